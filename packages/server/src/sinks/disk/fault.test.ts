import { describe, expect, it } from 'vitest';

import { diskError } from './errors.ts';
import { Fault } from './fault.ts';

const full = diskError('/a', Object.assign(new Error('no space'), { code: 'ENOSPC' }));
const denied = diskError('/a', Object.assign(new Error('no right'), { code: 'EACCES' }));

describe('Fault', () => {
  it('is said once when it begins, when it changes, and when it is over', () => {
    const lines: string[] = [];
    const log = { warn: (line: string) => lines.push(line), info: (line: string) => lines.push(line) };
    const fault = new Fault(log, 'hls live/x');
    fault.clear();
    expect(lines).toEqual([]);
    fault.raise(full);
    fault.raise(full);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('hls live/x: /a: the disk is full');
    expect(fault.current).toMatchObject({ code: 'full', count: 2 });
    fault.raise(denied);
    expect(lines).toHaveLength(2);
    expect(fault.current).toMatchObject({ code: 'denied', count: 3 });
    fault.clear();
    expect(lines).toHaveLength(3);
    expect(lines[2]).toContain('works again');
    expect(fault.current).toBeUndefined();
    fault.raise('odd');
    expect(fault.current).toMatchObject({ code: 'internal', message: 'odd', count: 1 });
  });
});
