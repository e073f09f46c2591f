/**
 * Readers of Linux's /proc (proc(5)). Each takes the text of one file and answers undefined when it has not the
 * form that it should have: figures that can't be had are no fault of the server.
 */

/** The fields of `/proc/[pid]/stat` from `ppid` on, in the kernel's order and by its names. */
const PROCESS_FIELDS = [
  'ppid',
  'pgrp',
  'session',
  'tty_nr',
  'tpgid',
  'flags',
  'minflt',
  'cminflt',
  'majflt',
  'cmajflt',
  'utime',
  'stime',
  'cutime',
  'cstime',
  'priority',
  'nice',
  'num_threads',
  'itrealvalue',
  'starttime',
  'vsize',
  'rss',
  'rsslim',
  'startcode',
  'endcode',
  'startstack',
  'kstkesp',
  'kstkeip',
  'signal',
  'blocked',
  'sigignore',
  'sigcatch',
  'wchan',
  'nswap',
  'cnswap',
  'exit_signal',
  'processor',
  'rt_priority',
  'policy',
  'delayacct_blkio_ticks',
  'guest_time',
  'cguest_time',
] as const;

/** One of the numbers of `/proc/[pid]/stat`, by the kernel's name. */
export type ProcessField = (typeof PROCESS_FIELDS)[number];

/** `/proc/[pid]/stat`. */
export interface ProcessStat {
  readonly pid: number;
  /** The name of the executable, without the parentheses around it. */
  readonly comm: string;
  /** One letter: `R`, `S`, `D` … */
  readonly state: string;
  /** Times are in clock ticks, `rss` in pages. */
  readonly fields: Readonly<Record<ProcessField, number>>;
}

/** Reads `/proc/[pid]/stat`. The name in it may hold spaces and parentheses of its own. */
export function parseProcessStat(text: string): ProcessStat | undefined {
  const match = /^(\d+) \((.*)\) (\S) ([-\d ]+)$/s.exec(text.trim());
  if (match === null) return undefined;
  const [, pid = '', comm = '', state = '', rest = ''] = match;
  const values = rest.split(' ').map(Number);
  // Older kernels end earlier; what they don't know is 0.
  if (values.length < PROCESS_FIELDS.indexOf('rss') || values.some(Number.isNaN)) return undefined;
  const entries = PROCESS_FIELDS.map((name, index) => [name, values[index] ?? 0] as const);
  return { pid: Number(pid), comm, state, fields: Object.fromEntries(entries) as ProcessStat['fields'] };
}

/** The time that all CPUs together have spent since the machine started, clock ticks. */
export interface CpuTimes {
  readonly user: number;
  readonly nice: number;
  readonly sys: number;
  readonly idle: number;
  readonly iowait: number;
  readonly irq: number;
  readonly softirq: number;
  readonly steal: number;
  readonly guest: number;
}

/** Reads `/proc/stat`: the times, and how many CPUs are on line. */
export function parseCpuTimes(text: string): { times: CpuTimes; cpus: number } | undefined {
  const match = /^cpu +((?:\d+ ?)+)$/m.exec(text);
  if (match?.[1] === undefined) return undefined;
  const [user = 0, nice = 0, sys = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0, guest = 0] =
    match[1].trim().split(' ').map(Number);
  const cpus = text.match(/^cpu\d+ /gm)?.length ?? 1;
  return { times: { user, nice, sys, idle, iowait, irq, softirq, steal, guest }, cpus };
}

/** `/proc/meminfo`, KiB. */
export interface MemoryInfo {
  readonly total: number;
  readonly free: number;
  readonly buffers: number;
  readonly cached: number;
  readonly swapTotal: number;
  readonly swapFree: number;
}

/** Reads `/proc/meminfo`. */
export function parseMemoryInfo(text: string): MemoryInfo | undefined {
  const total = kibibytes(text, 'MemTotal');
  const free = kibibytes(text, 'MemFree');
  if (total === undefined || free === undefined) return undefined;
  return {
    total,
    free,
    buffers: kibibytes(text, 'Buffers') ?? 0,
    cached: kibibytes(text, 'Cached') ?? 0,
    swapTotal: kibibytes(text, 'SwapTotal') ?? 0,
    swapFree: kibibytes(text, 'SwapFree') ?? 0,
  };
}

function kibibytes(text: string, name: string): number | undefined {
  const digits = new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** What the disks have done since the machine started, together. */
export interface DiskTotals {
  readonly disks: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Milliseconds in which something was under way, over all disks. */
  readonly busyMs: number;
}

/** The kernel counts in sectors of 512 bytes, whatever the disk has. */
const SECTOR_BYTES = 512;

/** Whole disks, not their partitions, nor what lies in memory or in a file. */
const WHOLE_DISK = /^(?:(?:sd|vd|xvd|hd)[a-z]+|nvme\d+n\d+|mmcblk\d+)$/;

/**
 * Reads `/proc/diskstats`.
 *
 * @param names - the disks that count; empty: all whole disks
 */
export function parseDiskTotals(text: string, names: readonly string[]): DiskTotals | undefined {
  let disks = 0;
  let bytesRead = 0;
  let bytesWritten = 0;
  let busyMs = 0;
  for (const line of text.split('\n')) {
    const words = line.trim().split(/\s+/);
    const name = words[2] ?? '';
    if (words.length < 14 || !(names.length === 0 ? WHOLE_DISK.test(name) : names.includes(name))) continue;
    disks += 1;
    bytesRead += Number(words[5]) * SECTOR_BYTES;
    bytesWritten += Number(words[9]) * SECTOR_BYTES;
    busyMs += Number(words[12]);
  }
  return disks === 0 || Number.isNaN(bytesRead + bytesWritten + busyMs)
    ? undefined
    : { disks, bytesRead, bytesWritten, busyMs };
}

/** The bytes of one network device since the machine started. */
export interface NetworkDevice {
  readonly name: string;
  readonly received: number;
  readonly sent: number;
}

/** Reads `/proc/net/dev`. */
export function parseNetworkDevices(text: string): readonly NetworkDevice[] | undefined {
  const devices: NetworkDevice[] = [];
  for (const [, name = '', rest = ''] of text.matchAll(/^ *([^\s:]+): *([\d ]+)$/gm)) {
    const values = rest.trim().split(/ +/).map(Number);
    devices.push({ name, received: values[0] ?? 0, sent: values[8] ?? 0 });
  }
  return devices.length === 0 ? undefined : devices;
}

/** Sockets of the machine. */
export interface SocketCounts {
  /** TCP sockets of all states, those in TIME_WAIT included. */
  readonly tcp: number;
  readonly timeWait: number;
  readonly udp: number;
}

/** Reads `/proc/net/sockstat`, and `/proc/net/sockstat6` where there is one. */
export function parseSocketCounts(text: string, text6 = ''): SocketCounts | undefined {
  const tcp = /^TCP: inuse \d+ orphan \d+ tw (\d+) alloc (\d+)/m.exec(text);
  if (tcp === null) return undefined;
  const timeWait = Number(tcp[1]);
  const udp = Number(/^UDP: inuse (\d+)/m.exec(text)?.[1] ?? 0);
  const udp6 = Number(/^UDP6: inuse (\d+)/m.exec(text6)?.[1] ?? 0);
  // `alloc` counts both families, as `tw` does.
  return { tcp: Number(tcp[2]) + timeWait, timeWait, udp: udp + udp6 };
}

/** Reads the established TCP connections of the machine out of `/proc/net/snmp`. */
export function parseEstablished(text: string): number | undefined {
  const [names, values] = text.split('\n').filter((line) => line.startsWith('Tcp: '));
  const column = names?.split(' ').indexOf('CurrEstab') ?? -1;
  const value = column < 0 ? undefined : values?.split(' ')[column];
  return value === undefined || !/^\d+$/.test(value) ? undefined : Number(value);
}

/** Reads a line of numbers: `/proc/uptime` (seconds) and `/proc/loadavg` begin with some. */
export function parseNumbers(text: string, count: number): readonly number[] | undefined {
  const numbers = text.trim().split(/\s+/, count).map(Number);
  return numbers.length === count && numbers.every(Number.isFinite) ? numbers : undefined;
}

/** Counts the CPUs of a list such as `0-3,8`, as `/sys/devices/system/cpu/present` has it. */
export function countCpuList(text: string): number | undefined {
  let count = 0;
  for (const part of text.trim().split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (match === null) return undefined;
    count += match[2] === undefined ? 1 : Number(match[2]) - Number(match[1]) + 1;
  }
  return count > 0 ? count : undefined;
}
