/** What is wrong with the files of a TLS block. */
export type TlsErrorCode =
  /** A file is missing, may not be read, or is too large. */
  | 'tls-file-unreadable'
  /** A file has no certificate, or a chain that can't be used. */
  | 'tls-certificate-invalid'
  /** A file has no private key, or one with a passphrase. */
  | 'tls-key-invalid'
  /** A key belongs to another certificate. */
  | 'tls-key-mismatch'
  /** The list of cipher suites has none that is known. */
  | 'tls-ciphers-unknown'
  /** Not as many keys as certificates. */
  | 'tls-files-uneven';

/** Keys and certificates that can't be used; the message names the directive and the file. */
export class TlsError extends Error {
  override readonly name = 'TlsError';
  readonly code: TlsErrorCode;

  constructor(code: TlsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
