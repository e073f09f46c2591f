import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { open } from 'node:fs/promises';
import { createSecureContext, type SecureContext } from 'node:tls';

import { DEFAULT_TLS_CIPHERS } from '../config/index.ts';
import { TlsError } from './errors.ts';

/** The largest key or certificate file that is read, bytes. */
export const MAX_PEM_BYTES = 1024 * 1024;

/** The files of a TLS block; the first key is that of the first certificate, and so on. */
export interface CertificateFiles {
  /** PEM, without a passphrase. */
  readonly key: readonly string[];
  /** PEM, each with its chain: the certificate itself first. */
  readonly cert: readonly string[];
}

/** What is agreed on with peers. */
export interface TlsProtocol {
  /** The oldest version of TLS that is spoken. Default: TLSv1.2. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined;
  /** Suites of TLS 1.2 in OpenSSL's form; those of TLS 1.3 are added unless it names some. Default: ECDHE with AEAD. */
  readonly ciphers?: string | undefined;
}

/** The suites of TLS 1.3, all with forward secrecy and authenticated encryption. */
const TLS_1_3_SUITES = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';

/** A certificate with its key, ready for handshakes. */
export interface Certificate {
  readonly context: SecureContext;
  /** The certificate itself, without its chain. */
  readonly x509: X509Certificate;
  readonly file: string;
}

/**
 * Reads and checks every pair of files.
 *
 * @param directive - the block that names them, for errors: `http_server.https`
 * @throws TlsError
 */
export async function loadCertificates(
  directive: string,
  { key, cert }: CertificateFiles,
  protocol: TlsProtocol = {},
): Promise<readonly Certificate[]> {
  if (key.length !== cert.length || key.length === 0) {
    const message =
      `\`${directive}\` has ${key.length} keys for ${cert.length} certificates: ` +
      'give `key` and `cert` as many files, in the same order';
    throw new TlsError('tls-files-uneven', message);
  }
  return Promise.all(
    cert.map((certFile, index) =>
      loadCertificate({ directive, keyFile: key[index] ?? '', certFile }, protocol),
    ),
  );
}

async function loadCertificate(
  { directive, keyFile, certFile }: Record<'directive' | 'keyFile' | 'certFile', string>,
  { ciphers = DEFAULT_TLS_CIPHERS, minVersion = 'TLSv1.2' }: TlsProtocol,
): Promise<Certificate> {
  const certName = `\`${directive}.cert\` ${certFile}`;
  const keyName = `\`${directive}.key\` ${keyFile}`;
  const [certText, keyText] = await Promise.all([readPem(certName, certFile), readPem(keyName, keyFile)]);
  const x509 = parseCertificate(certName, certText);
  if (!x509.checkPrivateKey(parseKey(keyName, keyText))) {
    throw new TlsError('tls-key-mismatch', `${keyName} is not the key of the certificate ${certFile}`);
  }
  try {
    const context = createSecureContext({
      key: keyText,
      cert: certText,
      minVersion,
      ciphers: /(?:^|:)TLS_/.test(ciphers) ? ciphers : `${TLS_1_3_SUITES}:${ciphers}`,
    });
    return { context, x509, file: certFile };
  } catch (error) {
    if (isOf(error, 'ERR_SSL_NO_CIPHER_MATCH')) {
      const message = `\`${directive}.ciphers\` names no cipher suite that is known: ${ciphers}`;
      throw new TlsError('tls-ciphers-unknown', message, { cause: error });
    }
    const message = `${certName} can't be used: ${reasonOf(error)}`;
    throw new TlsError('tls-certificate-invalid', message, { cause: error });
  }
}

/** The certificate for a host name: the first one that is valid for it, or else the first one of all. */
export function certificateFor(certificates: readonly Certificate[], name: string): Certificate | undefined {
  return certificates.find(({ x509 }) => isValidFor(x509, name)) ?? certificates[0];
}

function isValidFor(x509: X509Certificate, name: string): boolean {
  try {
    return x509.checkHost(name) !== undefined;
  } catch {
    // The peer's name is no host name.
    return false;
  }
}

/** The host names and addresses that a certificate is valid for, for people. */
export function namesOf({ x509 }: Certificate): string {
  const alternatives = x509.subjectAltName?.replaceAll(/(^|, )(DNS|IP Address):/g, '$1');
  return alternatives ?? x509.subject.replaceAll('\n', ', ');
}

async function readPem(name: string, path: string): Promise<string> {
  try {
    const file = await open(path);
    try {
      const { size } = await file.stat();
      if (size > MAX_PEM_BYTES) throw new RangeError(`it has ${size} bytes, more than ${MAX_PEM_BYTES}`);
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    const message = `${name} can't be read: ${reasonOf(error)}`;
    throw new TlsError('tls-file-unreadable', message, { cause: error });
  }
}

function parseCertificate(name: string, text: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch (error) {
    const message = `${name} has no certificate in PEM form`;
    throw new TlsError('tls-certificate-invalid', message, { cause: error });
  }
}

function parseKey(name: string, text: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (error) {
    const isLocked = text.includes('ENCRYPTED');
    const problem = isLocked ? 'has a passphrase: take it off' : 'has no private key in PEM form';
    throw new TlsError('tls-key-invalid', `${name} ${problem}`, { cause: error });
  }
}

function isOf(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  switch ('code' in error ? error.code : undefined) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
      return 'permission denied';
    case 'EISDIR':
      return 'it is a directory';
    default:
      return error.message.trim();
  }
}
