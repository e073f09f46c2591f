import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RUN_LIMIT_MS, RunningProcess, sluiceMain } from '../harness/index.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const command = join(root, 'packages/server/bin/sluice.cjs');
const VERSION = /^(Sluice\/)?\d+\.\d+\.\d+\n$/;

/** A folder with a module that makes this Node say of itself that it is an old one. */
async function oldNode(): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-old-node-'));
  onTestFinished(async () => {
    await rm(folder, { recursive: true, force: true });
  });
  const file = join(folder, 'old.cjs');
  writeFileSync(
    file,
    "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.8' } });\n",
  );
  return ['--require', file];
}

describe('the ways to start', () => {
  it('G001 npx finds the command in a checkout', async () => {
    const npx = new RunningProcess('npx', ['--no-install', 'sluice', '-v'], { cwd: root });
    await npx.succeeded(RUN_LIMIT_MS);
    expect(npx.stdout + npx.stderr).toMatch(VERSION);
  });

  it('G001 the command and the main file are the same', async () => {
    for (const file of [command, sluiceMain]) {
      const program = new RunningProcess(process.execPath, [file, '-v']);
      await program.succeeded();
      expect(program.stdout + program.stderr).toMatch(VERSION);
    }
  });

  it.each([
    ['the command', command],
    ['the main file', sluiceMain],
    ['npm start', join(root, 'scripts/start.mjs')],
    ['npm test', join(root, 'scripts/test.mjs')],
    ['npm run bench', join(root, 'scripts/bench.mjs')],
    ['packing', join(root, 'packaging/npm/pack.mjs')],
  ])('G001 a Node that is too old gets one clear line: %s', async (_name, file) => {
    const program = new RunningProcess(process.execPath, [...(await oldNode()), file]);
    expect((await program.exited()).code).toBe(1);
    expect(program.stdout + program.stderr).toBe('Sluice needs Node 20.19 or newer; this is 18.20.8.\n');
  });

  it('G001 a Node that is too old gets one clear line: a program that embeds the server', async () => {
    const embed = `import(${JSON.stringify(sluiceMain.replace('main.js', 'index.js'))}).catch((error) => console.log(error.message))`;
    const program = new RunningProcess(process.execPath, [...(await oldNode()), '-e', embed]);
    await program.exited();
    expect(program.stdout + program.stderr).toBe('Sluice needs Node 20.19 or newer; this is 18.20.8\n');
  });
});
