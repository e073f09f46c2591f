import type { KeptPacket, Packet } from '@sluice/media/model';

import { TEMPORARY_SUFFIX } from '../disk/index.ts';

/**
 * What is known of a stream before the first packet of a file: its metadata, and for each track its configuration, or
 * the first packet of a codec that has none.
 */
export interface HeaderPackets {
  readonly metadata?: KeptPacket | undefined;
  /** Of the first tracks of their kind. */
  readonly audio?: KeptPacket | undefined;
  readonly video?: KeptPacket | undefined;
  /** Configurations of the other tracks. */
  readonly others: readonly KeptPacket[];
}

/** What a file is called while it is written, until it is finished. */
export function temporaryName(path: string): string {
  return `${path}${TEMPORARY_SUFFIX}`;
}

/** The name that a file is to have; undefined when this is no temporary name. */
export function finalName(workPath: string): string | undefined {
  return workPath.endsWith(TEMPORARY_SUFFIX) ? workPath.slice(0, -TEMPORARY_SUFFIX.length) : undefined;
}

/** What a recorded file tells its owner; all are told from within a write or later, never from a constructor. */
export interface FileEvents {
  /** The file can't be written any more; what was not on the disk is given up. Told once. */
  onFailure(error: unknown): void;
  /** The disk has taken something. */
  onWritten(): void;
  /** A packet can't be read, and is left out. */
  onBroken?(packet: Packet): void;
}

/** A file that a recording is written to, whatever its container. */
export interface RecordedFile {
  /** Its name once it is finished. */
  readonly path: string;
  /** Its name now. */
  readonly workPath: string;
  /** Bytes, with those that wait for the disk. */
  readonly bytes: number;
  /** From its first to its last timestamp, ms. */
  readonly durationMs: number;
  /** Bytes that wait for the disk. */
  readonly waitingBytes: number;
  /** The timestamp that the first packet has to have for the file to go on, ms; 0 in a new file. */
  readonly startTimestamp: number;
  /** Packets that were written. */
  readonly frames: number;
  /** Whether the file can go on with this packet; else it needs a new file. */
  accepts(packet: Packet): boolean;
  /**
   * Adds a packet that is accepted; its bytes are copied.
   *
   * @param timestamp - its time in the file, ms
   */
  write(packet: Packet, timestamp: number): void;
  /** Gives what has gathered to the disk. */
  flush(): void;
  /** Brings what the head says up to date. */
  refresh(): void;
  /** Writes everything, completes the head, closes the file and gives it its name. Throws DiskError. */
  finish(): Promise<void>;
  /** Closes the file as it is on the disk now. */
  abandon(): Promise<void>;
}
