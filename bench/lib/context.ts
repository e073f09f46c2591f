import type { Children } from './children.ts';
import type { Fixture } from './fixture.ts';
import type { Cores } from './system.ts';

/** What all cases of a run share. */
export interface Context {
  readonly children: Children;
  readonly cores: Cores | undefined;
  /** The command-line program: it is both the server under test and the load client. */
  readonly program: string;
  /** A folder of this run's own, deleted at its end. */
  readonly folder: string;
  /** Where results of runs stay. */
  readonly resultsFolder: string;
  /** The stream of about 250 kbps that nearly every case uses. */
  readonly fixture: Fixture;
  /** A stream of ten times that, which fills the queue of a stalled player in reasonable time. */
  readonly heavyFixture: Fixture;
  /** Small counts and short windows: only to see that everything works. */
  readonly quick: boolean;
  /** Servers that can be measured here. */
  readonly peers: ReadonlySet<PeerName>;
  /** Tells the person at the terminal what goes on. */
  say(text: string): void;
}

/** The servers that are compared. */
export type PeerName = 'sluice' | 'nginx-rtmp' | 'node-media-server' | 'floor';
