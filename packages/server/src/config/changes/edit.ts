import type { SettingValue } from './settings.ts';

/** Who asked for a change. */
export interface EditAuthor {
  /** The name of Basic authentication; absent where the API has no password. */
  readonly user?: string | undefined;
  readonly address: string;
}

/** What a change makes of one directive. */
export interface EditedSetting {
  readonly value: SettingValue;
  /** What was written before, for people; null for nothing, and without the text of a secret. */
  readonly before: string | null;
}

/** A change by the API, as it is kept. It is never altered: taken back, it goes. */
export interface ConfigEdit {
  /** A number that no other change of this configuration has or had. */
  readonly id: string;
  /** ISO 8601, in UTC. */
  readonly at: string;
  readonly by: EditAuthor;
  /** The vhost's name; absent for the root. */
  readonly vhost?: string | undefined;
  /** By the dotted names of the directives. */
  readonly settings: Readonly<Record<string, EditedSetting>>;
}
