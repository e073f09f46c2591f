import type { TotalsView } from './source.ts';
import {
  type ApiFeatures,
  type ApiMeminfos,
  type ApiRusages,
  type ApiSelfProcStats,
  type ApiSummaries,
  type ApiSystemProcStats,
  processFieldNames,
} from './system-schemas.ts';
import type { SystemView } from './system-view.ts';
import { trafficShape } from './traffic-shapes.ts';

/** The figures that monitoring reads first (A004). */
export function summariesShape(version: string, view: SystemView, totals: TotalsView): ApiSummaries {
  const { cpu, cpus, disk, load, memory, network, sampledAtMs, sockets, uptime } = view;
  return {
    ok: cpu !== undefined && memory !== undefined,
    now_ms: sampledAtMs,
    self: {
      version,
      pid: process.pid,
      ppid: process.ppid,
      argv: process.argv.join(' '),
      cwd: process.cwd(),
      mem_kbyte: view.process.rssKbytes,
      mem_percent: fraction(view.process.memoryShare),
      cpu_percent: rounded(view.process.cpuShare),
      srs_uptime: view.process.uptimeSeconds,
      internal_faults: totals.internalFaults,
      descriptor_refusals: totals.descriptorRefusals,
    },
    system: {
      cpu_percent: fraction(cpu?.share),
      disk_read_KBps: disk?.readKBps ?? null,
      disk_write_KBps: disk?.writeKBps ?? null,
      disk_busy_percent: fraction(disk?.busyShare),
      mem_ram_kbyte: memory?.total ?? null,
      mem_ram_percent: fraction(memory?.share),
      mem_swap_kbyte: memory?.swapTotal ?? null,
      mem_swap_percent: fraction(memory?.swapShare),
      cpus: cpus?.present ?? null,
      cpus_online: cpus?.online ?? null,
      uptime: uptime?.seconds ?? null,
      ilde_time: uptime?.idleSeconds ?? null,
      load_1m: load?.[0] ?? null,
      load_5m: load?.[1] ?? null,
      load_15m: load?.[2] ?? null,
      net_sample_time: sampledAtMs,
      net_recv_bytes: network?.received ?? null,
      net_send_bytes: network?.sent ?? null,
      net_recvi_bytes: network?.receivedInternal ?? null,
      net_sendi_bytes: network?.sentInternal ?? null,
      srs_sample_time: sampledAtMs,
      srs_recv_bytes: totals.bytesReceived,
      srs_send_bytes: totals.bytesSent,
      conn_sys: sockets?.tcp ?? null,
      conn_sys_et: sockets?.established ?? null,
      conn_sys_tw: sockets?.timeWait ?? null,
      conn_sys_udp: sockets?.udp ?? null,
      conn_srs: totals.connections,
    },
    traffic: trafficShape(totals.traffic),
  };
}

/** getrusage(2) of this process. */
export function rusagesShape(now: number): ApiRusages {
  const usage = process.resourceUsage();
  return {
    ok: true,
    sample_time: now,
    ru_utime: Math.floor(usage.userCPUTime / 1_000_000),
    ru_stime: Math.floor(usage.systemCPUTime / 1_000_000),
    ru_maxrss: usage.maxRSS,
    ru_ixrss: usage.sharedMemorySize,
    ru_idrss: usage.unsharedDataSize,
    ru_isrss: usage.unsharedStackSize,
    ru_minflt: usage.minorPageFault,
    ru_majflt: usage.majorPageFault,
    ru_nswap: usage.swappedOut,
    ru_inblock: usage.fsRead,
    ru_oublock: usage.fsWrite,
    ru_msgsnd: usage.ipcSent,
    ru_msgrcv: usage.ipcReceived,
    ru_nsignals: usage.signalsCount,
    ru_nvcsw: usage.voluntaryContextSwitches,
    ru_nivcsw: usage.involuntaryContextSwitches,
  };
}

/** `/proc/self/stat`. */
export function selfProcStatsShape(view: SystemView): ApiSelfProcStats {
  const { processStat, sampledAtMs } = view;
  const fields = processFieldNames.map((name) => [name, processStat?.fields[name] ?? null] as const);
  return {
    ok: processStat !== undefined,
    sample_time: sampledAtMs,
    percent: rounded(view.process.cpuShare),
    pid: process.pid,
    comm: processStat?.comm ?? null,
    state: processStat?.state ?? null,
    ...(Object.fromEntries(fields) as Pick<ApiSelfProcStats, (typeof processFieldNames)[number]>),
  };
}

/** `/proc/stat`. */
export function systemProcStatsShape({ cpu, sampledAtMs }: SystemView): ApiSystemProcStats {
  const times = cpu?.times;
  return {
    ok: cpu !== undefined,
    sample_time: sampledAtMs,
    percent: fraction(cpu?.share),
    user: times?.user ?? null,
    nice: times?.nice ?? null,
    sys: times?.sys ?? null,
    idle: times?.idle ?? null,
    iowait: times?.iowait ?? null,
    irq: times?.irq ?? null,
    softirq: times?.softirq ?? null,
    steal: times?.steal ?? null,
    guest: times?.guest ?? null,
  };
}

/** `/proc/meminfo`, KiB. */
export function meminfosShape({ memory, sampledAtMs }: SystemView): ApiMeminfos {
  return {
    ok: memory !== undefined,
    sample_time: sampledAtMs,
    percent_ram: fraction(memory?.share),
    percent_swap: fraction(memory?.swapShare),
    MemActive: memory === undefined ? null : memory.total - memory.free,
    RealInUse: memory?.inUse ?? null,
    NotInUse: memory === undefined ? null : memory.total - memory.inUse,
    MemTotal: memory?.total ?? null,
    MemFree: memory?.free ?? null,
    Buffers: memory?.buffers ?? null,
    Cached: memory?.cached ?? null,
    SwapTotal: memory?.swapTotal ?? null,
    SwapFree: memory?.swapFree ?? null,
  };
}

/** What this version can do, in SRS's words. */
export function featuresShape(): ApiFeatures {
  const features: ApiFeatures['features'] = {
    ssl: true,
    hls: true,
    hds: true,
    callback: true,
    api: true,
    httpd: true,
    dvr: true,
    transcode: false,
    ingest: true,
    stat: true,
    nginx: false,
    ffmpeg: false,
    stream_caster: false,
    caster: false,
    complex_send: true,
    tcp_nodelay: true,
    so_sendbuf: false,
    mr: true,
  };
  return {
    options: '',
    options2: '',
    build: `node ${process.version}`,
    build2: `${process.platform} ${process.arch}`,
    features,
    ...features,
  };
}

function fraction(share: number | undefined): number | null {
  return share === undefined ? null : rounded(share);
}

function rounded(share: number): number {
  return Math.round(share * 10_000) / 10_000;
}
