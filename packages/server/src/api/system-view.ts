/**
 * The machine and this process, as the API reads them. What the system doesn't tell is undefined. Shares are
 * fractions: 0.5 is half.
 */
export interface SystemView {
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
  /** `/proc/self/stat`. */
  readonly processStat:
    | {
        readonly pid: number;
        readonly comm: string;
        readonly state: string;
        /** By the kernel's names. */
        readonly fields: Readonly<Partial<Record<string, number>>>;
      }
    | undefined;
  readonly cpu:
    | {
        readonly share: number;
        /** Clock ticks since the machine started. */
        readonly times: {
          readonly user: number;
          readonly nice: number;
          readonly sys: number;
          readonly idle: number;
          readonly iowait: number;
          readonly irq: number;
          readonly softirq: number;
          readonly steal: number;
          readonly guest: number;
        };
      }
    | undefined;
  /** KiB. */
  readonly memory:
    | {
        readonly total: number;
        readonly free: number;
        readonly buffers: number;
        readonly cached: number;
        readonly swapTotal: number;
        readonly swapFree: number;
        readonly inUse: number;
        readonly share: number;
        readonly swapShare: number;
      }
    | undefined;
  readonly disk:
    { readonly readKBps: number; readonly writeKBps: number; readonly busyShare: number } | undefined;
  /** Bytes since the machine started: over devices with a public address, and over the others. */
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
