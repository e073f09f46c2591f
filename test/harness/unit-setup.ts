import { vi } from 'vitest';
import { holdRefusedPorts } from './ports.ts';

await holdRefusedPorts();

/**
 * The least time that a wait of a unit test has, ms. Vitest gives one second, which a busy machine may take for what
 * is done in a moment on others; a wait only ever lasts so long when a test fails.
 */
const LEAST_WAIT_MS = 30_000;

interface WaitOptions {
  readonly interval?: number;
  readonly timeout?: number;
}

function patient(options: number | WaitOptions = {}): WaitOptions {
  const wanted = typeof options === 'number' ? { timeout: options } : options;
  return { ...wanted, timeout: Math.max(wanted.timeout ?? 0, LEAST_WAIT_MS) };
}

const { waitFor, waitUntil } = vi;
vi.waitFor = async (condition, options) => waitFor(condition, patient(options));
vi.waitUntil = async (condition, options) => waitUntil(condition, patient(options));
