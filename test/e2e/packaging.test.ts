import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterEach, describe, expect, it, onTestFinished } from 'vitest';

import {
  fixture,
  freePort,
  isListening,
  pathOf,
  RUN_LIMIT_MS,
  RunningProcess,
  sluiceMain,
  waitFor,
} from '../harness/index.ts';

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly bin?: Readonly<Record<string, string>>;
}

const packaging = fileURLToPath(new URL('../../packaging/', import.meta.url));
const checkout = fileURLToPath(new URL('../../', import.meta.url));
const folders: string[] = [];

/** `npm pack` works in the packages' folders, which servers of other tests start from meanwhile. */
function copyOfCheckout(): string {
  const copy = mkdtempSync(join(tmpdir(), 'sluice-checkout-'));
  folders.push(copy);
  const files = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.base.json', 'LICENSE'];
  for (const name of [...files, 'scripts', 'packaging', 'packages']) {
    const filter = (path: string): boolean => !path.endsWith('node_modules');
    cpSync(join(checkout, name), join(copy, name), { recursive: true, preserveTimestamps: true, filter });
  }
  linkModules(join(checkout, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

/** The packages of others by links; our own, and what says that all is installed and built, are the copy's. */
function linkModules(from: string, to: string): void {
  mkdirSync(join(to, '.bin'), { recursive: true });
  const own = ['sluice', '@sluice', '.bin/sluice', '.package-lock.json', '.cache/sluice/build'];
  for (const name of own)
    cpSync(join(from, name), join(to, name), { recursive: true, verbatimSymlinks: true });
  for (const name of readdirSync(from))
    if (!existsSync(join(to, name))) symlinkSync(join(from, name), join(to, name));
}

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-packaging-'));
  folders.push(folder);
  return folder;
}

describe('packaging', () => {
  it.skipIf(pathOf('systemd-analyze') === undefined)('G008 the systemd unit is valid', async () => {
    const verify = new RunningProcess('systemd-analyze', ['verify', `${packaging}systemd/sluice.service`]);
    await verify.exited();
    // It may have something to say about other units of the machine.
    expect(verify.stderr).not.toContain('sluice.service');
    expect(verify.exit?.code, verify.stderr).toBe(0);
  });

  it('G008 npm pack makes one file with the workspaces inside, which runs', async () => {
    // Below node_modules of the checkout, the packages of others are found as after an installation.
    const cache = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url));
    mkdirSync(cache, { recursive: true });
    const folder = mkdtempSync(`${cache}sluice-pack-`);
    folders.push(folder);
    const pack = new RunningProcess(process.execPath, [`${packaging}npm/pack.mjs`, folder]);
    // It may have the packages to build, and it copies some thousand files.
    await pack.succeeded(2 * RUN_LIMIT_MS);
    const file = pack.stdout.trim();
    expect(file).toMatch(/sluice-\d+\.\d+\.\d+\.tgz$/);
    const list = new RunningProcess('tar', ['xvzf', file, '-C', folder]);
    await list.succeeded(RUN_LIMIT_MS);
    for (const name of [
      'conf/sluice.conf',
      'packaging/systemd/sluice.service',
      'public/index.html',
      'LICENSE',
    ]) {
      expect(list.stdout).toContain(`package/${name}\n`);
    }
    // What other packages publish is theirs to say.
    const ours = list.stdout.split('\n').filter((name) => !/\/node_modules\/(?!@sluice\/)/.test(name));
    expect(ours.filter((name) => /\.test\.|test-kit|testdata|\.tsbuildinfo/.test(name))).toEqual([]);
    const bundled = `${folder}/package/node_modules/@sluice`;
    expect(existsSync(`${bundled}/media/dist`) && existsSync(`${bundled}/rtmp/dist`)).toBe(true);
    const check = new RunningProcess(process.execPath, [
      `${folder}/package/dist/main.js`,
      '-t',
      '-c',
      `${folder}/package/conf/sluice.conf`,
    ]);
    await check.succeeded();
    expect(check.stdout).toContain('the configuration is good');
  });

  it('G008 the Docker image gives its own configuration a password, and leaves others alone', async () => {
    const folder = temporaryFolder();
    const [own, mounted] = [join(folder, 'image.conf'), join(folder, 'mounted.conf')];
    writeFileSync(own, 'listen 1935;');
    // In the place of the server: it tells what it was started with.
    const program = '#!/bin/sh\necho "$*"; env | grep -E \'^(SRS|SLUICE)_.*(API|_API_)\' | sort\n';
    writeFileSync(join(folder, 'sluice'), program, { mode: 0o755 });
    async function run(env: Record<string, string>, ...words: string[]): Promise<string> {
      const entry = new RunningProcess('/bin/sh', [`${packaging}docker/entrypoint.sh`, ...words], {
        env: {
          PATH: `${folder}:${process.env['PATH'] ?? ''}`,
          SLUICE_IMAGE_CONFIG: own,
          SLUICE_CONFIG: mounted,
          ...env,
        },
      });
      await entry.succeeded();
      return entry.stdout;
    }
    const words = ['-c', '/etc/sluice/sluice.conf'];
    writeFileSync(mounted, 'listen 1935;');
    const [first, second] = [await run({}, ...words), await run({}, ...words)];
    const password = /the password (\S+)/.exec(first)?.[1] ?? '';
    expect(password).toMatch(/^[\w-]{24}$/);
    expect(first).toContain(`-c /etc/sluice/sluice.conf
SRS_HTTP_API_AUTH_ENABLED=on
SRS_HTTP_API_AUTH_PASSWORD=${password}
SRS_HTTP_API_AUTH_USERNAME=admin
SRS_HTTP_API_LISTEN=1985
`);
    expect(second).not.toContain(password);
    const given = await run({ SLUICE_API_PASSWORD: 'a b', SLUICE_API_USER: 'me' }, ...words);
    expect(given).toContain('SRS_HTTP_API_AUTH_PASSWORD=a b\nSRS_HTTP_API_AUTH_USERNAME=me\n');
    expect(given).not.toContain('asks for');
    expect(await run({}, '-v')).toBe('-v\n');
    expect(await run({ SRS_HTTP_API_LISTEN: '1986' }, ...words)).toBe(
      '-c /etc/sluice/sluice.conf\nSRS_HTTP_API_LISTEN=1986\n',
    );
    writeFileSync(mounted, 'listen 1936;');
    expect(await run({}, ...words)).toBe('-c /etc/sluice/sluice.conf\n');
  });

  it.each([
    ['media', '@sluice/media/remux', []],
    ['rtmp', '@sluice/rtmp/node', ['@sluice/media']],
    ['bench', '@sluice/bench', ['@sluice/media']],
    ['server', 'sluice', ['@sluice/bench', '@sluice/media', '@sluice/rtmp']],
  ])('G008 npm pack in packages/%s makes a file that can be installed', async (name, module, inside) => {
    // Below node_modules of the checkout, the packages of others are found as after an installation.
    const cache = join(checkout, 'node_modules/.cache/');
    mkdirSync(cache, { recursive: true });
    const folder = mkdtempSync(`${cache}sluice-pack-`);
    folders.push(folder);
    const cwd = join(copyOfCheckout(), 'packages', name);
    const pack = new RunningProcess('npm', ['pack', '--pack-destination', folder], { cwd });
    await pack.succeeded(2 * RUN_LIMIT_MS);
    expect(existsSync(join(cwd, 'node_modules/@sluice'))).toBe(false);
    const file = join(folder, pack.stdout.trim().split('\n').at(-1) ?? '');
    const list = new RunningProcess('tar', ['xvzf', file, '-C', folder]);
    await list.succeeded(RUN_LIMIT_MS);
    for (const document of [
      'README.md',
      'LICENSE',
      ...inside.map((other) => `node_modules/${other}/LICENSE`),
    ])
      expect(list.stdout).toContain(`package/${document}\n`);
    expect(list.stdout).not.toMatch(/\.test\.|test-kit|testdata|\.tsbuildinfo/);
    // What npm would look for on a registry has to be there.
    const manifests = ['', ...inside.map((other) => `node_modules/${other}/`)].map(
      (path) => JSON.parse(readFileSync(join(folder, 'package', path, 'package.json'), 'utf8')) as Manifest,
    );
    const wanted = manifests.flatMap(({ dependencies }) => Object.keys(dependencies ?? {}));
    expect(
      wanted.filter((dependency) => dependency.startsWith('@sluice/') && !inside.includes(dependency)),
    ).toEqual([]);
    const { exports = {}, bin = {} } = manifests[0] ?? {};
    const targets = [
      ...Object.values(exports).flatMap((entry) => Object.values(entry)),
      ...Object.values(bin),
    ];
    for (const target of targets.filter((path) => !path.includes('*')))
      expect(existsSync(join(folder, 'package', target)), target).toBe(true);
    // The package's own name leads to itself.
    const use = `import(${JSON.stringify(module)}).then((found) => console.log(Object.keys(found).length > 0, import.meta.resolve(${JSON.stringify(module)})))`;
    const run = new RunningProcess(process.execPath, ['--input-type=module', '-e', use], {
      cwd: join(folder, 'package'),
    });
    await run.succeeded();
    expect(run.stdout).toContain(`true file://${folder}/package/`);
  });

  it('the example of @sluice/media turns FLV into MP4 and MPEG-TS', async () => {
    const folder = temporaryFolder();
    const example = fileURLToPath(new URL('../../packages/media/examples/remux-flv.mjs', import.meta.url));
    const input = await fixture('h264-aac');
    for (const [name, format] of [
      ['out.mp4', 'mp4'],
      ['out.m4s', 'mp4'],
      ['out.ts', 'mpegts'],
    ] as const) {
      const output = join(folder, name);
      const run = new RunningProcess(process.execPath, [example, input, output]);
      await run.succeeded();
      const probe = new RunningProcess('ffprobe', ['-v', 'error', '-show_format', '-show_streams', output]);
      await probe.succeeded();
      expect(probe.stderr).toBe('');
      expect(probe.stdout).toContain(format);
      expect([...probe.stdout.matchAll(/^codec_name=(.*)$/gm)].map(([, codec]) => codec)).toEqual([
        'h264',
        'aac',
      ]);
    }
  });

  it('G008 the init script starts, tells, reloads, rotates and stops', async () => {
    const folder = temporaryFolder();
    const port = await freePort();
    writeFileSync(
      join(folder, 'sluice.conf'),
      `listen ${port}; max_connections 1000; srs_log_file ./sluice.log;\nvhost __defaultVhost__ { }\n`,
    );
    const program = join(folder, 'sluice');
    writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${sluiceMain}' "$@"\n`);
    chmodSync(program, 0o755);
    const defaults = join(folder, 'defaults');
    writeFileSync(
      defaults,
      `SLUICE='${program}'\nCONFIG='${folder}/sluice.conf'\nROOT='${folder}'\nPID_FILE='${folder}/run/sluice.pid'\nDESCRIPTORS=\n`,
    );
    async function script(word: string): Promise<readonly [code: number | undefined, said: string]> {
      const run = new RunningProcess('sh', [`${packaging}init.d/sluice`, word], {
        cwd: '/',
        env: { SLUICE_DEFAULTS: defaults },
      });
      const { code } = await run.exited();
      return [code, run.stdout + run.stderr];
    }
    onTestFinished(async () => {
      await script('stop');
    });
    expect((await script('status'))[0]).toBe(3);
    expect(await script('stop')).toEqual([0, 'sluice: does not run\n']);
    expect((await script('reload'))[0]).not.toBe(0);
    expect(await script('start')).toEqual([0, expect.stringMatching(/^sluice: started, pid \d+\n$/)]);
    expect(await isListening(port)).toBe(true);
    const pid = Number(readFileSync(join(folder, 'run/sluice.pid'), 'utf8'));
    expect(await script('status')).toEqual([0, `sluice: runs, pid ${pid}\n`]);
    expect(await script('start')).toEqual([0, `sluice: runs already, pid ${pid}\n`]);
    expect((await script('reload'))[0]).toBe(0);
    expect((await script('rotate'))[0]).toBe(0);
    expect((await script('restart'))[0]).toBe(0);
    expect(await isListening(port)).toBe(true);
    const next = Number(readFileSync(join(folder, 'run/sluice.pid'), 'utf8'));
    expect(next).not.toBe(pid);
    process.kill(next, 'SIGKILL');
    await waitFor(async () => ((await script('status'))[0] === 1 ? true : undefined), 'it is told dead');
    expect((await script('start'))[0]).toBe(0);
    expect(await script('stop')).toEqual([0, 'sluice: stopped\n']);
    expect(await isListening(port)).toBe(false);
    expect((await script('dance'))[0]).toBe(2);
  });

  it('G008 a file that has a mistake keeps the running server', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'run'));
    writeFileSync(join(folder, 'sluice.conf'), 'listen 1935;\nno_such_thing 1;\n');
    const defaults = join(folder, 'defaults');
    const program = join(folder, 'sluice');
    writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${sluiceMain}' "$@"\n`);
    chmodSync(program, 0o755);
    writeFileSync(
      defaults,
      `SLUICE='${program}'\nCONFIG='${folder}/sluice.conf'\nROOT='${folder}'\nPID_FILE='${folder}/run/sluice.pid'\n`,
    );
    // The test stands for a server that runs: nothing may be sent to it.
    writeFileSync(join(folder, 'run/sluice.pid'), String(process.pid));
    for (const word of ['restart', 'reload']) {
      const run = new RunningProcess('sh', [`${packaging}init.d/sluice`, word], {
        env: { SLUICE_DEFAULTS: defaults },
      });
      expect((await run.exited()).code).not.toBe(0);
      expect(run.stderr).toContain('no_such_thing');
    }
  });
});
