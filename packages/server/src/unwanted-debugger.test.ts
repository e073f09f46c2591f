import { describe, expect, it } from 'vitest';

import { closeUnwantedDebugger } from './unwanted-debugger.ts';

function closes(open: boolean, execArgv: readonly string[] = [], options?: string): boolean {
  let closed = false;
  const debug = {
    url: () => (open ? 'ws://127.0.0.1:9229/id' : undefined),
    close: () => {
      closed = true;
    },
  };
  closeUnwantedDebugger({ execArgv, env: { NODE_OPTIONS: options } }, debug);
  return closed;
}

describe('closeUnwantedDebugger', () => {
  it('closes what a signal has opened, and nothing else', () => {
    expect(closes(true)).toBe(true);
    expect(closes(true, ['--max-old-space-size=4096'], '--max-http-header-size=1000')).toBe(true);
    expect(closes(false)).toBe(false);
  });

  it.each([
    [['--inspect'], undefined],
    [['--inspect-brk=0.0.0.0:9229'], undefined],
    [[], '--inspect-port=1234 --inspect'],
    [[], '--require /opt/editor/bootloader.js'],
    [['-r', 'tool.js'], undefined],
    [['--import', 'tsx'], undefined],
  ])('leaves one that was asked for: %j %s', (execArgv, options) => {
    expect(closes(true, execArgv, options)).toBe(false);
  });

  it('is harmless where none is open', () => {
    expect(() => {
      closeUnwantedDebugger();
    }).not.toThrow();
  });
});
