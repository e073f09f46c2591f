import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { certificateFor, loadCertificates, MAX_PEM_BYTES, namesOf } from './certificate.ts';
import { TlsError } from './errors.ts';
import { haveOpenssl, makeCertificate } from './test-kit.ts';

describe.runIf(haveOpenssl)('loadCertificates', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-tls-'));
  const one = { key: join(folder, 'one.key'), cert: join(folder, 'one.crt') };
  const two = { key: join(folder, 'two.key'), cert: join(folder, 'two.crt') };

  beforeAll(() => {
    makeCertificate(one, ['one.example', '127.0.0.1']);
    makeCertificate(two, ['two.example', '*.two.example']);
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  async function problem(key: readonly string[], cert: readonly string[]): Promise<TlsError> {
    const error: unknown = await loadCertificates('rtmps', { key, cert }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TlsError);
    return error as TlsError;
  }

  it('S003 the name that a client asks for picks the certificate, and else it is the first', async () => {
    const files = { key: [one.key, two.key], cert: [one.cert, two.cert] };
    const certificates = await loadCertificates('rtmps', files);
    const served = (name: string) => certificateFor(certificates, name)?.file;
    expect(served('one.example')).toBe(one.cert);
    expect(served('two.example')).toBe(two.cert);
    expect(served('TWO.example')).toBe(two.cert);
    expect(served('a.two.example')).toBe(two.cert);
    expect(served('a.b.two.example')).toBe(one.cert);
    expect(served('else.example')).toBe(one.cert);
    expect(served('')).toBe(one.cert);
    expect(certificateFor([], 'one.example')).toBeUndefined();
    expect(certificates.map(namesOf)).toEqual(['one.example, 127.0.0.1', 'two.example, *.two.example']);
  });

  it('S003 whatever name a client asks for, it gets a certificate', async () => {
    const certificates = await loadCertificates('rtmps', { key: [one.key], cert: [one.cert] });
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        expect(certificateFor(certificates, name)).toBe(certificates[0]);
      }),
    );
  });

  it('S003 a missing file: the error names the directive and the file', async () => {
    const missing = join(folder, 'missing.key');
    expect(await problem([missing], [one.cert])).toMatchObject({
      code: 'tls-file-unreadable',
      message: `\`rtmps.key\` ${missing} can't be read: there is no such file`,
    });
    expect(await problem([one.key], [folder])).toMatchObject({
      code: 'tls-file-unreadable',
      message: `\`rtmps.cert\` ${folder} can't be read: it is a directory`,
    });
  });

  it.runIf(process.getuid?.() !== 0)('S003 a file that may not be read', async () => {
    const locked = join(folder, 'locked.key');
    writeFileSync(locked, readFileSync(one.key));
    chmodSync(locked, 0);
    expect((await problem([locked], [one.cert])).message).toContain('permission denied');
  });

  it('S003 a file without end is not read', async () => {
    const large = join(folder, 'large.crt');
    writeFileSync(large, readFileSync(one.cert));
    truncateSync(large, MAX_PEM_BYTES);
    expect((await problem([two.key], [large])).code).not.toBe('tls-file-unreadable');
    truncateSync(large, MAX_PEM_BYTES + 1);
    expect(await problem([one.key], [large])).toMatchObject({ code: 'tls-file-unreadable' });
  });

  it('S003 the key of another certificate', async () => {
    expect(await problem([one.key, one.key], [one.cert, two.cert])).toMatchObject({
      code: 'tls-key-mismatch',
      message: `\`rtmps.key\` ${one.key} is not the key of the certificate ${two.cert}`,
    });
  });

  it('S003 files that are something else', async () => {
    expect(await problem([one.cert], [one.cert])).toMatchObject({ code: 'tls-key-invalid' });
    expect(await problem([one.key], [one.key])).toMatchObject({ code: 'tls-certificate-invalid' });
    const broken = join(folder, 'broken.crt');
    // The certificate itself is well, and its chain isn't.
    const chain = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    writeFileSync(broken, readFileSync(one.cert, 'utf8') + chain);
    expect(await problem([one.key], [broken])).toMatchObject({ code: 'tls-certificate-invalid' });
  });

  it('S003 a key with a passphrase', async () => {
    const locked = join(folder, 'passphrase.key');
    execFileSync('openssl', ['ec', '-in', one.key, '-aes256', '-passout', 'pass:word', '-out', locked], {
      stdio: 'ignore',
    });
    expect(await problem([locked], [one.cert])).toMatchObject({
      code: 'tls-key-invalid',
      message: `\`rtmps.key\` ${locked} has a passphrase: take it off`,
    });
  });

  it('S003 not as many keys as certificates', async () => {
    expect(await problem([one.key], [one.cert, two.cert])).toMatchObject({ code: 'tls-files-uneven' });
    expect(await problem([], [])).toMatchObject({ code: 'tls-files-uneven' });
  });

  it('S003 throws nothing but TlsError for mutated files', async () => {
    const text = readFileSync(one.cert);
    const mutated = join(folder, 'mutated.crt');
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length - 1), fc.nat(255), async (at, byte) => {
        const bytes = Uint8Array.from(text);
        bytes[at] = byte;
        writeFileSync(mutated, bytes);
        const error: unknown = await loadCertificates('rtmps', { key: [one.key], cert: [mutated] }).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        if (error !== undefined) expect(error).toBeInstanceOf(TlsError);
      }),
    );
  });
});
