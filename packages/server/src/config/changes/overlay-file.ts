import { readFileSync } from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

import { z } from 'zod';

import { errorText } from '../../error-text.ts';
import { ConfigError, ConfigErrorCode } from '../errors.ts';
import type { ConfigEdit } from './edit.ts';

/** The changes by the API over one configuration. */
export interface Overlay {
  /** Oldest first. */
  readonly edits: readonly ConfigEdit[];
  /** The id of the next change. */
  readonly nextId: number;
}

/** No change has been made. */
export const NO_OVERLAY: Overlay = { edits: [], nextId: 1 };

/** The file of the changes over a configuration file. */
export function overlayPath(file: string): string {
  return `${file}.overlay.json`;
}

/** Most changes that are kept. */
export const MAX_EDITS = 1_000;

/** Most directives of one change. */
export const MAX_SETTINGS = 200;

/** Most bytes of the file. */
const MAX_FILE_BYTES = 8 * 1024 * 1024;

const text = z.string().max(64 * 1024);

const editSchema = z.strictObject({
  id: z.string().regex(/^[1-9]\d{0,14}$/, 'is a number'),
  at: z.string().max(64),
  by: z.strictObject({ user: text.optional(), address: text }),
  vhost: text.optional(),
  settings: z.record(
    z.string().max(1024),
    z.strictObject({ value: z.union([text, z.array(text), z.null()]), before: text.nullable() }),
  ),
});

const overlaySchema = z.strictObject({
  about: z.string().optional(),
  version: z.literal(1),
  next: z.number().int().positive(),
  changes: z.array(editSchema).max(MAX_EDITS),
});

/**
 * Reads the changes over a configuration.
 *
 * @param path - of the overlay file
 * @returns its text, or undefined when there is none: no change was ever made
 * @throws ConfigError when it can't be read
 */
export function readOverlayText(path: string): string | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw unusable(path, errorText(error), error);
  }
  if (bytes.length > MAX_FILE_BYTES) {
    throw unusable(path, `it has ${bytes.length} bytes; ${MAX_FILE_BYTES} are read at most`);
  }
  return bytes.toString('utf8');
}

/**
 * The changes of a file's text.
 *
 * @throws ConfigError for a text that is not what `formatOverlay` makes
 */
export function parseOverlay(path: string, source: string): Overlay {
  let json: unknown;
  try {
    json = JSON.parse(source.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw unusable(path, errorText(error), error);
  }
  const parsed = overlaySchema.safeParse(json);
  if (!parsed.success) {
    throw unusable(path, z.prettifyError(parsed.error).replaceAll(/\s+/g, ' '), parsed.error);
  }
  const { changes: edits, next } = parsed.data;
  const ids = edits.map(({ id }) => Number(id));
  if (new Set(ids).size < ids.length) throw unusable(path, 'two changes have the same id');
  return { edits, nextId: Math.max(next, ...ids.map((id) => id + 1)) };
}

function unusable(path: string, why: string, cause?: unknown): ConfigError {
  const message =
    `these changes made by the API can't be read: ${why}. Mend the file, or move it away to go on without the ` +
    'changes; nothing of it is used as it is';
  return new ConfigError(
    [{ code: ConfigErrorCode.Changes, message, file: path, line: 0, column: 0 }],
    cause === undefined ? undefined : { cause },
  );
}

/** The text of the file: JSON that people can read, and mend. */
export function formatOverlay(path: string, { edits, nextId }: Overlay): string {
  const main = basename(path).replace(/\.overlay\.json$/, '');
  const about =
    `Changes made by the API, which go over ${main}. 'sluice changes' lists them and 'sluice rollback ID' takes one ` +
    'back. After a change by hand: reload.';
  return `${JSON.stringify({ about, version: 1, next: nextId, changes: edits }, undefined, 2)}\n`;
}

/** The file can't be written; nothing has changed. */
export class OverlayWriteError extends Error {
  override readonly name = 'OverlayWriteError';
  readonly code = 'changes-not-saved';
}

/** A text that is on the disk already, but not under its name yet: one of the two has to be called. */
export interface PreparedFile {
  /** Gives it its name, in place of what has it. Throws OverlayWriteError. */
  commit(): Promise<void>;
  discard(): Promise<void>;
}

/**
 * Brings a text to the disk, whole or not at all. Only the server's own user may read it: it may hold secrets.
 *
 * @throws OverlayWriteError
 */
export async function prepareFile(path: string, content: string): Promise<PreparedFile> {
  const temporary = `${path}.tmp`;
  const discard = async (): Promise<void> => {
    await unlink(temporary).catch(() => undefined);
  };
  try {
    // One that an earlier crash left may belong to somebody else, or lead elsewhere.
    await discard();
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    await discard();
    throw notWritten(path, error);
  }
  return {
    async commit() {
      try {
        await rename(temporary, path);
      } catch (error) {
        await discard();
        throw notWritten(path, error);
      }
      await syncDirectory(dirname(path));
    },
    discard,
  };
}

/** So that the new name outlives a power cut. Where a directory can't be synced, the name is as safe as may be. */
async function syncDirectory(path: string): Promise<void> {
  try {
    const directory = await open(path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  } catch {
    // The change is made and saved all the same.
  }
}

function notWritten(path: string, cause: unknown): OverlayWriteError {
  const why = errorText(cause);
  const message =
    `the change can't be saved, so nothing has changed: ${why}. The server must be able to write in ` +
    `${dirname(path)}, where it keeps ${basename(path)}`;
  return new OverlayWriteError(message, { cause });
}
