import { hostname, machine, release, type, version } from 'node:os';
import { performance } from 'node:perf_hooks';

import { type Counter, Registry } from 'prom-client';

import { EventLoopDelay } from './event-loop-delay.ts';
import { GarbageCollection } from './garbage-collection.ts';
import { createInstruments } from './instruments.ts';
import type { MetricsSource } from './source.ts';

/** The server's metrics, as Prometheus reads them. */
export class ServerMetrics {
  readonly #source: MetricsSource;
  readonly #registry = new Registry();
  readonly #instruments = createInstruments(this.#registry);
  readonly #loopDelay = new EventLoopDelay((delayMs) => {
    this.#instruments.loopDelay.observe(delayMs / 1000);
  });
  readonly #garbageCollection = new GarbageCollection((kind, durationMs) => {
    this.#instruments.gcPause.observe({ kind }, durationMs / 1000);
  });
  readonly #cpu = new CpuShare();
  #text: Promise<string> | undefined;

  constructor(source: MetricsSource) {
    this.#source = source;
    const { flushes, unameInfo } = this.#instruments;
    flushes.set(source.hub.totals.flushes);
    unameInfo.set(
      { sysname: type(), nodename: hostname(), release: release(), version: version(), machine: machine() },
      1,
    );
  }

  /** Begins to watch the event loop and the garbage collector. Neither keeps the process alive. */
  start(): void {
    this.#loopDelay.start();
    this.#garbageCollection.start();
  }

  stop(): void {
    this.#loopDelay.stop();
    this.#garbageCollection.stop();
  }

  /**
   * An HLS segment is there for players.
   *
   * @param readyMs - since its cut, ms
   */
  segmentReady(readyMs: number): void {
    this.#instruments.segmentReady.observe(readyMs / 1000);
  }

  /** Of {@link text}. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All metrics as they are now, in Prometheus's text format. Those who ask at the same time get the same text. */
  text(): Promise<string> {
    this.#text ??= this.#render().finally(() => {
      this.#text = undefined;
    });
    return this.#text;
  }

  async #render(): Promise<string> {
    this.#collectProcess();
    this.#collectSessions();
    this.#collectStreams();
    return this.#registry.metrics();
  }

  #collectProcess(): void {
    const { buildInfo, cpuPercent, memory, loopActive, memoryBytes, ...rest } = this.#instruments;
    const { version: ownVersion, serverId, serviceId, system } = this.#source;
    const { label, tag } = this.#source.exporter();
    buildInfo.reset();
    buildInfo.set(
      {
        server: serverId,
        service: serviceId,
        pid: process.pid,
        major: ownVersion.split('.')[0] ?? '',
        version: ownVersion,
        code: 'Sluice',
        ...(label === '' ? {} : { label }),
        ...(tag === '' ? {} : { tag }),
      },
      1,
    );
    const { rss, heapTotal, heapUsed, external, arrayBuffers } = process.memoryUsage();
    const reading = system?.read().process;
    cpuPercent.set(100 * (reading?.cpuShare ?? this.#cpu.read()));
    memory.set(reading?.rssKbytes ?? Math.round(rss / 1024));
    memoryBytes.set({ kind: 'heap_total' }, heapTotal);
    memoryBytes.set({ kind: 'heap_used' }, heapUsed);
    memoryBytes.set({ kind: 'external' }, external);
    memoryBytes.set({ kind: 'array_buffers' }, arrayBuffers);
    rest.residentBytes.set(rss);
    setTotal(rest.internalFaults, this.#source.internalFaults());
    setTotal(rest.descriptorRefusals, this.#source.descriptorRefusals());
    rest.startTime.set(performance.timeOrigin / 1000);
    const { user, system: kernel } = process.cpuUsage();
    setTotal(rest.cpuSeconds, (user + kernel) / 1e6);
    setTotal(loopActive, performance.eventLoopUtilization().active / 1000);
  }

  #collectSessions(): void {
    const { sessions } = this.#source;
    const { sendBytes, receiveBytes, clients, clientsTotal, clientErrors, ...rest } = this.#instruments;
    const { publishers, players, begun, bytesIn, bytesOut, droppedFrames } = sessions.totals();
    setTotal(sendBytes, bytesOut);
    setTotal(receiveBytes, bytesIn);
    clients.set(publishers + players);
    setTotal(clientsTotal, begun);
    setTotal(clientErrors, sessions.ended.faults);
    rest.publishers.set(publishers);
    rest.players.set(players);
    setTotal(rest.droppedFrames, droppedFrames);
    rest.connections.set(this.#source.connections());
    rest.maxConnections.set(this.#source.maxConnections());
    rest.ends.reset();
    for (const [reason, count] of Object.entries(sessions.ended.counts)) rest.ends.inc({ reason }, count);
    const types = new Map<string, number>();
    for (const { session } of sessions.all()) types.set(session.type, (types.get(session.type) ?? 0) + 1);
    rest.sessions.reset();
    for (const [type, count] of types) rest.sessions.set({ type }, count);
  }

  #collectStreams(): void {
    const { streams, publishedStreams, heldBytes, heldBytesMax, faults, ...rest } = this.#instruments;
    const { videoFrames, audioFrames, corrections, correctedMs } = this.#source.hub.totals;
    rest.frames.reset();
    rest.frames.inc({ kind: 'video' }, videoFrames);
    rest.frames.inc({ kind: 'audio' }, audioFrames);
    setTotal(rest.corrections, corrections);
    setTotal(rest.correctedSeconds, correctedMs / 1000);
    let [all, published, held, most] = [0, 0, 0, 0];
    faults.reset();
    for (const stream of this.#source.hub.streams()) {
      all += 1;
      if (stream.publisherId !== undefined) published += 1;
      const bytes = stream.heldBytes;
      held += bytes;
      most = Math.max(most, bytes);
      for (const { sink, code } of this.#source.faults(stream.key)) faults.inc({ sink, code });
    }
    streams.set(all);
    publishedStreams.set(published);
    heldBytes.set(held);
    heldBytesMax.set(most);
  }
}

/** A count that is kept elsewhere. */
function setTotal(counter: Counter, total: number): void {
  counter.reset();
  counter.inc(Math.max(0, total));
}

/** The CPU that the process has used since it was asked before; 1 is one CPU busy. */
class CpuShare {
  #micros = 0;
  #at = 0;

  read(): number {
    const { user, system } = process.cpuUsage();
    const now = performance.now();
    const share = (user + system - this.#micros) / 1000 / Math.max(1, now - this.#at);
    this.#micros = user + system;
    this.#at = now;
    return Math.max(0, share);
  }
}
