import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';

import { StopRequests } from './stop-requests.ts';

function stopsOf(forceGraceful?: () => boolean) {
  const impatient: string[] = [];
  const stops = new StopRequests({
    onImpatience: (by) => impatient.push(by),
    ...(forceGraceful === undefined ? {} : { forceGraceful }),
  });
  const signals = new EventEmitter();
  const forget = stops.listen(signals);
  return { stops, signals, forget, impatient };
}

describe('G003 signals that stop', () => {
  it.each(['SIGTERM', 'SIGINT', 'SIGUSR2'])('%s: fast', async (signal) => {
    const { stops, signals, impatient } = stopsOf();
    signals.emit(signal);
    expect(await stops.first).toEqual({ kind: 'fast', by: signal });
    expect(stops.hurry.aborted).toBe(true);
    expect(impatient).toEqual([]);
  });

  it('SIGQUIT: graceful, a second one fast, a third one at once', async () => {
    const { stops, signals, impatient } = stopsOf();
    signals.emit('SIGQUIT');
    expect(await stops.first).toEqual({ kind: 'graceful', by: 'SIGQUIT' });
    expect(stops.hurry.aborted).toBe(false);
    signals.emit('SIGQUIT');
    expect(stops.hurry.aborted).toBe(true);
    expect(impatient).toEqual([]);
    signals.emit('SIGTERM');
    expect(impatient).toEqual(['SIGTERM']);
  });

  it('a fast one again: at once', () => {
    const { signals, impatient } = stopsOf();
    signals.emit('SIGTERM');
    signals.emit('SIGINT');
    expect(impatient).toEqual(['SIGINT']);
  });

  it('force_grace_quit makes SIGTERM graceful, read at the signal, and no other one', async () => {
    let force = false;
    const { stops, signals } = stopsOf(() => force);
    force = true;
    signals.emit('SIGTERM');
    expect(await stops.first).toEqual({ kind: 'graceful', by: 'SIGTERM' });
    signals.emit('SIGINT');
    expect(stops.hurry.aborted).toBe(true);
    const other = stopsOf(() => true);
    other.signals.emit('SIGINT');
    expect(await other.stops.first).toEqual({ kind: 'fast', by: 'SIGINT' });
  });

  it('listens no longer than it is asked to', () => {
    const { signals, forget } = stopsOf();
    forget();
    expect(signals.eventNames()).toEqual([]);
  });
});
