import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';

/** Clock ticks per second of /proc/PID/stat: USER_HZ, 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** The machine that a result was measured on. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGB: number;
  readonly kernel: string;
  readonly node: string;
  /** The peers' versions, by name. */
  readonly peers: Readonly<Record<string, string>>;
}

/** The facts of this machine that a reader of the results needs. */
export function describeMachine(peers: Readonly<Record<string, string>>): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGB: Math.round(totalmem() / 1e9),
    kernel: release(),
    node: process.version,
    peers,
  };
}

/**
 * CPU time that a process has used since its start, all threads, user and system, ms. From the scheduler's own
 * clock where the kernel keeps one (nanoseconds), else in ticks of 10 ms.
 */
export function cpuMilliseconds(pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    return threads.reduce((sum, thread) => sum + threadNanoseconds(pid, thread), 0) / 1e6;
  } catch {
    return cpuTicks(pid) * (1000 / TICKS_PER_SECOND);
  }
}

function threadNanoseconds(pid: number, thread: string): number {
  // Time on the CPU, time waiting for one, number of turns.
  return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0]);
}

function cpuTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The name in parentheses may hold spaces; utime and stime are the 14th and 15th field.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** Resident memory of a process, MB (1,000,000 bytes). */
export function residentMegabytes(pid: number): number {
  return statusMegabytes(pid, 'VmRSS');
}

/** The most resident memory that a process has had since its start, MB. */
export function peakMegabytes(pid: number): number {
  return statusMegabytes(pid, 'VmHWM');
}

function statusMegabytes(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const line = status.split('\n').find((one) => one.startsWith(`${field}:`));
  const match = /(\d+) kB/.exec(line ?? '');
  return match === null ? NaN : (Number(match[1]) * 1024) / 1e6;
}

/** The cores that servers and loads are pinned to; undefined where that cannot be done. */
export interface Cores {
  readonly server: number;
  readonly load: number;
}

/** One core for the servers and another for the loads, or undefined on a machine with one core or no taskset. */
export function chooseCores(): Cores | undefined {
  if (availableParallelism() < 2) return undefined;
  try {
    // The cores that this process may use need not be 0 and 1.
    const mask = /: ([0-9,-]+)\s*$/.exec(
      execFileSync('taskset', ['-cp', String(process.pid)], { encoding: 'utf8' }),
    );
    const [server, load] = parseCoreList(mask?.[1] ?? '');
    return server === undefined || load === undefined ? undefined : { server, load };
  } catch {
    return undefined;
  }
}

/** The cores of a list such as `0-2,5`. */
export function parseCoreList(text: string): number[] {
  return text.split(',').flatMap((part) => {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (match === null) return [];
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
