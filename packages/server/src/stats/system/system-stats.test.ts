import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  countCpuList,
  parseCpuTimes,
  parseDiskTotals,
  parseEstablished,
  parseMemoryInfo,
  parseNetworkDevices,
  parseNumbers,
  parseProcessStat,
  parseSocketCounts,
} from './parse.ts';
import type { ProcFiles } from './index.ts';
import { SystemStats } from './index.ts';

const SELF_STAT =
  '6058 (a (b) c) S 6054 6054 2579 0 -1 4194304 98 0 0 0 7 8 0 0 20 0 1 0 1613786 3133440 412 ' +
  '18446744073709551615 1 2 3 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 93919498570800 1 2 3 4 5 6 0\n';

const STAT =
  'cpu  600 100 200 1000 50 0 40 10 0 0\ncpu0 300 50 100 500 25 0 20 5 0 0\n' +
  'cpu1 300 50 100 500 25 0 20 5 0 0\nintr 30606912 0 0\nctxt 99745096\n';

const MEMINFO =
  'MemTotal:       1000000 kB\nMemFree:         400000 kB\nMemAvailable:    700000 kB\n' +
  'Buffers:         100000 kB\nCached:          200000 kB\nSwapCached:            0 kB\n' +
  'SwapTotal:        10000 kB\nSwapFree:          5000 kB\n';

const DISKSTATS =
  '   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n' +
  ' 254       0 vda 1175197 181725 2000 993114 307688 410490 4000 195104 0 500 1221041 0 0 0 0 0 0\n' +
  ' 254       1 vda1 1175197 181725 2000 993114 307688 410490 4000 195104 0 500 1221041 0 0 0 0 0 0\n' +
  ' 259       0 nvme0n1 1 1 1000 1 1 1 1000 1 0 100 1 0 0 0 0 0 0\n';

const NET_DEV =
  'Inter-|   Receive                                                |  Transmit\n' +
  ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n' +
  '    lo: 999 1 0 0 0 0 0 0 999 1 0 0 0 0 0 0\n' +
  '  eth0: 100 1 0 0 0 0 0 0 200 1 0 0 0 0 0 0\n' +
  '  eth1:30 1 0 0 0 0 0 0 40 1 0 0 0 0 0 0\n' +
  ' bond0: 130 1 0 0 0 0 0 0 240 1 0 0 0 0 0 0\n';

const SOCKSTAT = 'sockets: used 200\nTCP: inuse 91 orphan 0 tw 681 alloc 184 mem 317\nUDP: inuse 3 mem 0\n';
const SNMP =
  'Ip: Forwarding DefaultTTL\nIp: 2 64\nTcp: RtoAlgorithm CurrEstab InSegs\nTcp: 1 180 433912951\n';

/** A machine whose files a test may change. */
function machine(): { files: ProcFiles; texts: Map<string, string>; reads: string[] } {
  const reads: string[] = [];
  const texts = new Map([
    ['/proc/self/stat', SELF_STAT],
    ['/proc/stat', STAT],
    ['/proc/meminfo', MEMINFO],
    ['/proc/diskstats', DISKSTATS],
    ['/proc/net/dev', NET_DEV],
    ['/proc/net/sockstat', SOCKSTAT],
    ['/proc/net/sockstat6', 'TCP6: inuse 93\nUDP6: inuse 2\n'],
    ['/proc/net/snmp', SNMP],
    ['/proc/uptime', '16137.87 19812.79\n'],
    ['/proc/loadavg', '1.91 2.61 3.70 4/126 6069\n'],
    ['/sys/devices/system/cpu/present', '0-3\n'],
  ]);
  const text = (path: string) => {
    reads.push(path);
    return texts.get(path);
  };
  return { files: { text }, texts, reads };
}

describe('readers of /proc', () => {
  it('A002 /proc/self/stat, whatever the name is', () => {
    expect(parseProcessStat(SELF_STAT)).toMatchObject({
      pid: 6058,
      comm: 'a (b) c',
      state: 'S',
      fields: { ppid: 6054, tpgid: -1, utime: 7, stime: 8, num_threads: 1, rss: 412, exit_signal: 17 },
    });
    expect(Object.keys(parseProcessStat(SELF_STAT)?.fields ?? {})).toHaveLength(41);
  });

  it('A002 /proc/stat', () => {
    expect(parseCpuTimes(STAT)).toEqual({
      times: {
        user: 600,
        nice: 100,
        sys: 200,
        idle: 1000,
        iowait: 50,
        irq: 0,
        softirq: 40,
        steal: 10,
        guest: 0,
      },
      cpus: 2,
    });
  });

  it('A002 /proc/meminfo', () => {
    expect(parseMemoryInfo(MEMINFO)).toEqual({
      total: 1_000_000,
      free: 400_000,
      buffers: 100_000,
      cached: 200_000,
      swapTotal: 10_000,
      swapFree: 5_000,
    });
  });

  it('A004 /proc/self/stat with a word that is no number', () => {
    expect(parseProcessStat(SELF_STAT)).toBeDefined();
    expect(parseProcessStat(SELF_STAT.replace(' S 6054 ', ' S 0-6054 '))).toBeUndefined();
  });

  it('A004 /proc/diskstats: whole disks, or those that are named', () => {
    const whole = { disks: 2, bytesRead: 3_000 * 512, bytesWritten: 5_000 * 512, busyMs: 600 };
    expect(parseDiskTotals(DISKSTATS, [])).toEqual(whole);
    expect(parseDiskTotals(DISKSTATS, ['vda1'])).toMatchObject({ disks: 1, bytesRead: 2_000 * 512 });
    expect(parseDiskTotals(DISKSTATS, ['sdz'])).toBeUndefined();
  });

  it('A004 /proc/net', () => {
    expect(parseNetworkDevices(NET_DEV)?.map(({ name }) => name)).toEqual(['lo', 'eth0', 'eth1', 'bond0']);
    expect(parseSocketCounts(SOCKSTAT)).toEqual({ tcp: 184 + 681, timeWait: 681, udp: 3 });
    expect(parseEstablished(SNMP)).toBe(180);
  });

  it('A004 lists of CPUs', () => {
    expect(countCpuList('0-3,8\n')).toBe(5);
    expect(countCpuList('0')).toBe(1);
    expect(countCpuList('')).toBeUndefined();
  });

  it('A004 never throw, and never tell what is no number', () => {
    const sources = [SELF_STAT, STAT, MEMINFO, DISKSTATS, NET_DEV, SOCKSTAT, SNMP, '0-3,8', '1 2 3'];
    const mutated = fc
      .tuple(fc.constantFrom(...sources), fc.nat(400), fc.nat(20), fc.string({ maxLength: 5 }))
      .map(([text, at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut));
    fc.assert(
      fc.property(fc.oneof(mutated, fc.string()), (text) => {
        const told = [
          parseProcessStat(text)?.fields,
          parseCpuTimes(text)?.times,
          parseMemoryInfo(text),
          parseDiskTotals(text, []),
          ...(parseNetworkDevices(text) ?? []).map(({ received, sent }) => ({ received, sent })),
          parseSocketCounts(text),
          { established: parseEstablished(text) ?? 0, cpus: countCpuList(text) ?? 0 },
          Object.fromEntries((parseNumbers(text, 3) ?? []).entries()),
        ];
        for (const numbers of told) {
          for (const value of Object.values(numbers ?? {})) expect(value).not.toBeNaN();
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('SystemStats', () => {
  it('A004 tells the machine', () => {
    const { files } = machine();
    const stats = new SystemStats({ files, isPublicDevice: (name) => name === 'eth0' });
    expect(stats.read()).toMatchObject({
      memory: { total: 1_000_000, inUse: 300_000, share: 0.3, swapShare: 0.5 },
      network: { received: 100, sent: 200, receivedInternal: 1029, sentInternal: 1039 },
      sockets: { tcp: 865, established: 180, timeWait: 681, udp: 5 },
      load: [1.91, 2.61, 3.7],
      uptime: { seconds: 16_137.87, idleSeconds: 19_812.79 },
      cpus: { present: 4, online: 2 },
      processStat: { comm: 'a (b) c' },
    });
  });

  it('A004 shares and rates are over the time since the last sample', () => {
    const { files, texts } = machine();
    let now = 1_000_000;
    const stats = new SystemStats({ files, disks: () => ['vda'], now: () => now });
    now += 10_000;
    texts.set('/proc/stat', STAT.replace('cpu  600 100 200 1000', 'cpu  650 100 250 1300'));
    texts.set(
      '/proc/diskstats',
      DISKSTATS.replace(' 2000 993114', ' 22000 993114').replace(' 500 ', ' 3000 '),
    );
    const reading = stats.read();
    expect(reading.cpu?.share).toBeCloseTo(0.25);
    expect(reading.disk).toEqual({ readKBps: 1_024, writeKBps: 0, busyShare: 0.25 });
    stats.sample();
    now += 10_000;
    expect(stats.read()).toMatchObject({ cpu: { share: 0 }, disk: { readKBps: 0, busyShare: 0 } });
  });

  it('A004 just after a sample, shares are over the time since the one before', () => {
    const { files, texts } = machine();
    let now = 1_000_000;
    const stats = new SystemStats({ files, now: () => now });
    now += 10_000;
    texts.set('/proc/stat', STAT.replace('cpu  600 100 200 1000', 'cpu  650 100 250 1300'));
    stats.sample();
    now += 1;
    expect(stats.read().cpu?.share).toBeCloseTo(0.25);
  });

  it('A004 who asks a thousand times costs one reading', () => {
    const { files, reads } = machine();
    let now = 1_000_000;
    const stats = new SystemStats({ files, now: () => now });
    const first = stats.read();
    const count = reads.length;
    for (let at = 0; at < 1_000; at += 1) expect(stats.read()).toBe(first);
    expect(reads).toHaveLength(count);
    now += 500;
    expect(stats.read()).not.toBe(first);
  });

  it('A004 tells nothing where there is no /proc, and what it can of a broken one', () => {
    const none = new SystemStats({ files: { text: () => undefined } });
    const { process: self, sampledAtMs: _at, ...rest } = none.read();
    expect(Object.values(rest)).toEqual(Object.values(rest).map(() => undefined));
    expect(self.rssKbytes).toBeGreaterThan(1_000);
    expect(self.memoryShare).toBeUndefined();
    const garbage = new SystemStats({ files: { text: () => 'x\n' } });
    expect(garbage.read()).toMatchObject({ cpu: undefined, memory: undefined, processStat: undefined });
  });

  it.runIf(process.platform === 'linux')('A004 on Linux every figure of this machine is there', () => {
    const stats = new SystemStats();
    const { disk: _disk, ...rest } = stats.read();
    for (const value of Object.values(rest)) expect(value).toBeDefined();
    expect(rest.processStat?.pid).toBe(process.pid);
  });
});
