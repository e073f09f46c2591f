import { networkInterfaces } from 'node:os';
import {
  countCpuList,
  type CpuTimes,
  type DiskTotals,
  type MemoryInfo,
  type NetworkDevice,
  parseCpuTimes,
  parseDiskTotals,
  parseEstablished,
  parseMemoryInfo,
  parseNetworkDevices,
  parseNumbers,
  parseProcessStat,
  parseSocketCounts,
  type ProcessStat,
} from './parse.ts';
import { kernelFiles, type ProcFiles } from './proc-files.ts';

/**
 * The machine and this process at one moment. What the system doesn't tell is undefined. Shares are fractions:
 * 0.5 is half.
 */
export interface SystemReading {
  /** ms since 1970. */
  readonly sampledAtMs: number;
  readonly process: {
    /** Of one CPU: 2 is two CPUs busy. */
    readonly cpuShare: number;
    readonly rssKbytes: number;
    /** Of the machine's memory. */
    readonly memoryShare: number | undefined;
    readonly uptimeSeconds: number;
  };
  readonly processStat: ProcessStat | undefined;
  readonly cpu: { readonly share: number; readonly times: CpuTimes } | undefined;
  readonly memory:
    | (MemoryInfo & {
        /** Neither free nor a cache, KiB. */
        readonly inUse: number;
        readonly share: number;
        readonly swapShare: number;
      })
    | undefined;
  readonly disk:
    { readonly readKBps: number; readonly writeKBps: number; readonly busyShare: number } | undefined;
  /** Bytes since the machine started, over devices with a public address and over the others but loopback. */
  readonly network:
    | {
        readonly received: number;
        readonly sent: number;
        readonly receivedInternal: number;
        readonly sentInternal: number;
      }
    | undefined;
  readonly sockets:
    | {
        readonly tcp: number;
        readonly established: number | undefined;
        readonly timeWait: number;
        readonly udp: number;
      }
    | undefined;
  /** Over 1, 5 and 15 minutes. */
  readonly load: readonly [number, number, number] | undefined;
  readonly uptime: { readonly seconds: number; readonly idleSeconds: number } | undefined;
  readonly cpus: { readonly present: number; readonly online: number } | undefined;
}

/** What {@link SystemStats} needs; every field has a default. */
export interface SystemStatsOptions {
  /** Default: the kernel's. */
  readonly files?: ProcFiles;
  /** The disks that count (`stats { disk … }`); empty, and by default, all. */
  readonly disks?: () => readonly string[];
  /** ms since 1970. Default `Date.now`. */
  readonly now?: () => number;
  /** Whether a device has an address that the internet can reach. Default: asks the system. */
  readonly isPublicDevice?: (name: string) => boolean;
}

/** Shares and rates are over this time at least, ms: over less they tell of single ticks. */
const LEAST_SPAN_MS = 1_000;
/** A reading is used again for so long, ms: who asks a thousand times a second costs no more for it. */
const KEEP_READING_MS = 500;

interface Sample {
  readonly atMs: number;
  /** Microseconds of CPU of this process. */
  readonly processMicros: number;
  readonly cpu: CpuTimes | undefined;
  readonly disk: DiskTotals | undefined;
}

/**
 * Figures of the machine and of this process, from Linux's /proc. Shares and rates are over the time since the
 * sample before; who wants them fresh calls {@link SystemStats.sample} every few seconds.
 */
export class SystemStats {
  readonly #files: ProcFiles;
  readonly #disks: () => readonly string[];
  readonly #now: () => number;
  readonly #isPublicDevice: (name: string) => boolean;
  #before: Sample;
  #last: Sample;
  #kept: SystemReading | undefined;

  constructor(options: SystemStatsOptions = {}) {
    this.#files = options.files ?? kernelFiles();
    this.#disks = options.disks ?? (() => []);
    this.#now = options.now ?? Date.now;
    this.#isPublicDevice = options.isPublicDevice ?? isPublicDevice;
    this.#last = this.#take();
    this.#before = this.#last;
  }

  /** Notes where the counters stand, for the shares and rates of later readings. */
  sample(): void {
    this.#before = this.#last;
    this.#last = this.#take();
    this.#kept = undefined;
  }

  /** All figures now, or as they were half a second ago at most. */
  read(): SystemReading {
    const kept = this.#kept;
    if (kept !== undefined && Math.abs(this.#now() - kept.sampledAtMs) < KEEP_READING_MS) return kept;
    const reading = this.#read();
    this.#kept = reading;
    return reading;
  }

  #read(): SystemReading {
    const now = this.#take();
    const since = now.atMs - this.#last.atMs >= LEAST_SPAN_MS ? this.#last : this.#before;
    const spanMs = Math.max(1, now.atMs - since.atMs);
    const memory = memoryReading(this.#parsed('/proc/meminfo', parseMemoryInfo));
    const rssKbytes = Math.round(process.memoryUsage.rss() / 1024);
    const cpuText = this.#files.text('/proc/stat');
    const online = cpuText === undefined ? undefined : parseCpuTimes(cpuText)?.cpus;
    const present = this.#parsed('/sys/devices/system/cpu/present', countCpuList) ?? online;
    const [one, five, fifteen] = this.#parsed('/proc/loadavg', (text) => parseNumbers(text, 3)) ?? [];
    const [seconds, idleSeconds] = this.#parsed('/proc/uptime', (text) => parseNumbers(text, 2)) ?? [];
    return {
      sampledAtMs: now.atMs,
      process: {
        cpuShare: Math.max(0, (now.processMicros - since.processMicros) / 1000 / spanMs),
        rssKbytes,
        memoryShare: memory === undefined ? undefined : rssKbytes / memory.total,
        uptimeSeconds: Math.floor(process.uptime()),
      },
      processStat: this.#parsed('/proc/self/stat', parseProcessStat),
      cpu: cpuReading(now.cpu, since.cpu),
      memory,
      disk: diskReading(now.disk, since.disk, spanMs),
      network: this.#network(),
      sockets: this.#sockets(),
      load: fifteen === undefined ? undefined : [one ?? 0, five ?? 0, fifteen],
      uptime: idleSeconds === undefined ? undefined : { seconds: seconds ?? 0, idleSeconds },
      cpus: online === undefined || present === undefined ? undefined : { present, online },
    };
  }

  #take(): Sample {
    const { user, system } = process.cpuUsage();
    return {
      atMs: this.#now(),
      processMicros: user + system,
      cpu: this.#parsed('/proc/stat', parseCpuTimes)?.times,
      disk: this.#parsed('/proc/diskstats', (text) => parseDiskTotals(text, this.#disks())),
    };
  }

  #parsed<Value>(path: string, parse: (text: string) => Value | undefined): Value | undefined {
    const text = this.#files.text(path);
    return text === undefined ? undefined : parse(text);
  }

  #network(): SystemReading['network'] {
    const devices = this.#parsed('/proc/net/dev', parseNetworkDevices);
    if (devices === undefined) return undefined;
    // A bond's bytes are those of its devices, which are listed, too.
    const listed = devices.filter(({ name }) => !name.startsWith('bond'));
    const [published, internal] = [true, false].map((wanted) =>
      listed.filter(({ name }) => (name !== 'lo' && this.#isPublicDevice(name)) === wanted),
    );
    const [received, sent] = sumOf(published ?? []);
    const [receivedInternal, sentInternal] = sumOf(internal ?? []);
    return { received, sent, receivedInternal, sentInternal };
  }

  #sockets(): SystemReading['sockets'] {
    const text6 = this.#files.text('/proc/net/sockstat6');
    const counts = this.#parsed('/proc/net/sockstat', (text) => parseSocketCounts(text, text6));
    if (counts === undefined) return undefined;
    return { ...counts, established: this.#parsed('/proc/net/snmp', parseEstablished) };
  }
}

function sumOf(devices: readonly NetworkDevice[]): [received: number, sent: number] {
  return devices.reduce<[number, number]>(
    ([received, sent], device) => [received + device.received, sent + device.sent],
    [0, 0],
  );
}

function memoryReading(info: MemoryInfo | undefined): SystemReading['memory'] {
  if (info === undefined) return undefined;
  const { total, free, buffers, cached, swapTotal, swapFree } = info;
  const inUse = Math.max(0, total - free - buffers - cached);
  return {
    ...info,
    inUse,
    share: total === 0 ? 0 : inUse / total,
    swapShare: swapTotal === 0 ? 0 : (swapTotal - swapFree) / swapTotal,
  };
}

function cpuReading(now: CpuTimes | undefined, since: CpuTimes | undefined): SystemReading['cpu'] {
  if (now === undefined) return undefined;
  const all = totalOf(now) - (since === undefined ? 0 : totalOf(since));
  const idle = now.idle - (since?.idle ?? 0);
  return { times: now, share: all <= 0 ? 0 : Math.min(1, Math.max(0, 1 - idle / all)) };
}

/** The time of guests is within `user` already. */
function totalOf({ user, nice, sys, idle, iowait, irq, softirq, steal }: CpuTimes): number {
  return user + nice + sys + idle + iowait + irq + softirq + steal;
}

function diskReading(
  now: DiskTotals | undefined,
  since: DiskTotals | undefined,
  spanMs: number,
): SystemReading['disk'] {
  if (now === undefined || since === undefined) return undefined;
  // Bytes per millisecond are kilobytes per second.
  return {
    readKBps: Math.max(0, Math.round((now.bytesRead - since.bytesRead) / spanMs)),
    writeKBps: Math.max(0, Math.round((now.bytesWritten - since.bytesWritten) / spanMs)),
    busyShare: Math.min(1, Math.max(0, (now.busyMs - since.busyMs) / spanMs / now.disks)),
  };
}

/** Whether a device has an IPv4 address outside the private ranges (RFC 1918, RFC 3927, RFC 6598). */
function isPublicDevice(name: string): boolean {
  const addresses = networkInterfaces()[name] ?? [];
  return addresses.some(({ family, internal, address }) => {
    return family === 'IPv4' && !internal && !isPrivate(address);
  });
}

function isPrivate(address: string): boolean {
  const [a = 0, b = 0] = address.split('.').map(Number);
  return (
    a === 10 ||
    a === 127 ||
    (a === 172 && b >= 16 && b <= 31) ||
    (a === 192 && b === 168) ||
    (a === 169 && b === 254) ||
    (a === 100 && b >= 64 && b <= 127)
  );
}
