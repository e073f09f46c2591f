/** How the bytes of a live stream are wrapped for a transport. One piece of media becomes one wrapped unit. */
export interface Framing {
  readonly name: 'plain' | 'chunked' | 'websocket';
  /** Bytes in front of a unit of this length. */
  prefix(length: number): Uint8Array;
  /** Bytes behind every unit. */
  readonly suffix: Uint8Array;
  /** Bytes that end the whole stream, where the transport has such. */
  readonly trailer: Uint8Array | undefined;
}

const nothing = new Uint8Array(0);

/** No wrapping: HTTP/1.0 bodies that end with the connection. */
export const plainFraming: Framing = {
  name: 'plain',
  prefix: () => nothing,
  suffix: nothing,
  trailer: undefined,
};

/** HTTP/1.1 chunked transfer coding (RFC 9112, 7.1). */
export const chunkedFraming: Framing = {
  name: 'chunked',
  prefix: (length) => Buffer.from(`${length.toString(16)}\r\n`, 'latin1'),
  suffix: Buffer.from('\r\n', 'latin1'),
  trailer: Buffer.from('0\r\n\r\n', 'latin1'),
};

/** One binary WebSocket message, unmasked as servers send it (RFC 6455, 5.2). */
export const websocketFraming: Framing = {
  name: 'websocket',
  prefix: websocketHeader,
  suffix: nothing,
  // A close frame with the status 1000.
  trailer: Buffer.from([0x88, 0x02, 0x03, 0xe8]),
};

function websocketHeader(length: number): Uint8Array {
  const finBinary = 0x82;
  if (length < 126) return Buffer.from([finBinary, length]);
  if (length < 65_536) return Buffer.from([finBinary, 126, length >>> 8, length & 0xff]);
  const header = Buffer.alloc(10);
  header[0] = finBinary;
  header[1] = 127;
  header.writeUIntBE(length, 4, 6);
  return header;
}
