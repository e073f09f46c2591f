import { bytesEqual, copyBytes } from '../bytes/index.ts';
import { MediaError } from '../errors.ts';
import { TS_HEADER_BYTES, TS_NULL_PID, TS_PACKET_BYTES, TS_PAT_PID } from './constants.ts';
import type { TsElementaryReader } from './elementary-reader.ts';
import { newCounters, type TsDemuxerCounters, type TsEvent, type TsStream } from './events.ts';
import { TS_DEMUXER_LIMITS, type TsDemuxerLimits } from './limits.ts';
import { TsPacketSync } from './packet-sync.ts';
import { parsePesHeader, type TsParsedPesHeader } from './pes.ts';
import { TsPesAssembler } from './pes-assembler.ts';
import { parsePat, parsePmt, type TsPat, type TsPmt, type TsPmtStream, TsTableId } from './psi.ts';
import { codecOf, readerOf } from './readers.ts';
import { TsSectionAssembler } from './section-assembler.ts';
import { TsClock } from './timestamp.ts';

/** The last packet of a PID, as far as continuity goes. */
interface Continuity {
  /** continuity_counter of the last packet with payload; undefined before the first. */
  counter: number | undefined;
}

interface SectionPid extends Continuity {
  readonly kind: 'sections';
  readonly assembler: TsSectionAssembler;
}

interface StreamPid extends Continuity {
  readonly kind: 'stream';
  readonly reader: TsElementaryReader;
  readonly assembler: TsPesAssembler;
  readonly clock: TsClock;
  randomAccess: boolean;
}

interface Program {
  readonly pmtPid: number;
  readonly clock: TsClock;
  /** The PMT section that is in force; undefined before the first. */
  section: Uint8Array | undefined;
  streams: readonly TsStream[];
}

/**
 * Reads an MPEG transport stream (ISO/IEC 13818-1) as it arrives, in pieces of any size: packets of 188, 192 and 204
 * bytes, PAT and PMT and their changes, H.264, HEVC, AAC (ADTS and LATM) and MP3.
 *
 * Damage costs what it hit and no more: it is counted, and the next frame of the stream is marked. Only bytes in which
 * no packets are found make it throw; it is of no more use then, and every later call throws again.
 */
export class TsDemuxer {
  readonly #limits: TsDemuxerLimits;
  readonly #counters = newCounters();
  readonly #sync: TsPacketSync;
  readonly #pids = new Map<number, SectionPid | StreamPid>();
  readonly #programs = new Map<number, Program>();
  /** The PAT's sections that are in force, by section_number. */
  readonly #patSections = new Map<number, { readonly bytes: Uint8Array; readonly pat: TsPat }>();
  #streamCount = 0;
  #events: TsEvent[] = [];
  #failure: MediaError | undefined;

  /** @param limits Those given replace the defaults, {@link TS_DEMUXER_LIMITS}. */
  constructor(limits: Partial<TsDemuxerLimits> = {}) {
    this.#limits = { ...TS_DEMUXER_LIMITS, ...limits };
    this.#sync = new TsPacketSync(
      (bytes, offset) => {
        this.#packet(bytes, offset);
      },
      this.#counters,
      this.#limits.unsyncedBytes,
    );
    this.#pids.set(TS_PAT_PID, this.#sectionPid(TS_PAT_PID));
  }

  /** What was read and lost so far; the object goes on counting. */
  get counters(): Readonly<TsDemuxerCounters> {
    return this.#counters;
  }

  /** Bytes from packet to packet: 188, 192 or 204; undefined while they are searched for. */
  get packetBytes(): number | undefined {
    return this.#sync.packetBytes;
  }

  /**
   * Takes the next bytes.
   *
   * @param bytes copied as needed: the caller may use its memory again.
   * @returns what is now complete, in the order of the stream.
   * @throws MediaError `bad-value` when over `unsyncedBytes` were searched and hold no packets. What was found in front
   * of them is returned first; the error is thrown by the next call.
   */
  write(bytes: Uint8Array): TsEvent[] {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      this.#sync.write(bytes);
    } catch (error) {
      if (!(error instanceof MediaError)) throw error;
      this.#failure = error;
      if (this.#events.length === 0) throw error;
    }
    return this.#takeEvents();
  }

  /**
   * Says that no more comes.
   *
   * @returns what was held back: packets too few to be sure of, and PES packets whose end is only told by the next.
   * @throws MediaError the error that {@link write} met, if it met one.
   */
  end(): TsEvent[] {
    if (this.#failure !== undefined) throw this.#failure;
    this.#sync.end();
    for (const state of this.#pids.values()) {
      if (state.kind === 'stream' && state.assembler.open) this.#closePes(state, state.assembler.cut);
    }
    return this.#takeEvents();
  }

  #takeEvents(): TsEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** transport_packet() (ISO/IEC 13818-1 clause 2.4.3.2). */
  #packet(bytes: Uint8Array, at: number): void {
    const counters = this.#counters;
    counters.packets++;
    const b1 = bytes[at + 1] ?? 0;
    const b3 = bytes[at + 3] ?? 0;
    // transport_error_indicator: no field of the packet can be relied on, its PID neither.
    if ((b1 & 0x80) !== 0) {
      counters.transportErrors++;
      return;
    }
    const pid = ((b1 & 0x1f) << 8) | (bytes[at + 2] ?? 0); // PID
    if (pid === TS_NULL_PID) return;
    const state = this.#pids.get(pid);
    if (state === undefined) return;
    // transport_scrambling_control
    if ((b3 & 0xc0) !== 0) {
      counters.scrambledPackets++;
      this.#lose(state);
      return;
    }
    const end = at + TS_PACKET_BYTES;
    let payload = at + TS_HEADER_BYTES;
    let flags = 0;
    // adaptation_field_control
    if ((b3 & 0x20) !== 0) {
      const length = bytes[payload] ?? 0; // adaptation_field_length
      if (length > 0) flags = bytes[payload + 1] ?? 0;
      payload += 1 + length;
      if (payload > end) {
        counters.malformedPackets++;
        this.#lose(state);
        return;
      }
    }
    if ((b3 & 0x10) === 0) return;
    // discontinuity_indicator, continuity_counter
    if (!this.#follows(state, b3 & 0x0f, (flags & 0x80) !== 0)) return;
    const unitStart = (b1 & 0x40) !== 0; // payload_unit_start_indicator
    if (state.kind === 'sections') state.assembler.write(bytes, payload, end, unitStart);
    else this.#streamPayload(state, bytes, payload, end, unitStart, (flags & 0x40) !== 0);
  }

  /** Whether the packet is a new one; a jump of the counter loses what was begun. */
  #follows(state: SectionPid | StreamPid, counter: number, discontinuity: boolean): boolean {
    const last = state.counter;
    state.counter = counter;
    if (last === undefined || counter === ((last + 1) & 0x0f)) return true;
    if (discontinuity) {
      this.#lose(state);
      return true;
    }
    if (counter === last) {
      this.#counters.duplicatePackets++;
      return false;
    }
    this.#counters.continuityGaps++;
    this.#lose(state);
    return true;
  }

  #lose(state: SectionPid | StreamPid): void {
    if (state.kind === 'sections') {
      state.assembler.reset();
      return;
    }
    if (state.assembler.open) {
      this.#counters.damagedPes++;
      state.assembler.drop();
    }
    state.reader.lose();
  }

  #streamPayload(
    state: StreamPid,
    bytes: Uint8Array,
    start: number,
    end: number,
    unitStart: boolean,
    randomAccess: boolean,
  ): void {
    const { assembler } = state;
    if (unitStart) {
      // No packet is missing: a length that says more is wrong, not the data.
      if (assembler.open) this.#closePes(state, false);
      assembler.start();
      state.randomAccess = randomAccess;
    } else if (!assembler.open) {
      return;
    }
    switch (assembler.append(bytes, start, end)) {
      case 'open':
        return;
      case 'complete':
        this.#closePes(state, false);
        return;
      case 'too-long':
        this.#counters.oversizedPes++;
        state.reader.lose();
    }
  }

  #closePes(state: StreamPid, cut: boolean): void {
    const packet = state.assembler.take();
    const header = cut ? undefined : tryPesHeader(packet);
    if (header === undefined) {
      this.#counters.damagedPes++;
      state.reader.lose();
      return;
    }
    const decoding = header.dts ?? header.pts;
    const dts = decoding === undefined ? undefined : state.clock.unwrap(decoding);
    const pts = header.pts === undefined ? undefined : state.clock.nearest(header.pts);
    const payload = packet.subarray(header.headerBytes);
    state.reader.read({ bytes: payload, pts, dts, randomAccess: state.randomAccess }, this.#events);
  }

  #sectionPid(pid: number): SectionPid {
    const onSection = (section: Uint8Array): void => {
      try {
        if (pid === TS_PAT_PID) this.#patSection(section);
        else this.#pmtSection(pid, section);
      } catch (error) {
        if (!(error instanceof MediaError)) throw error;
        this.#counters.badSections++;
      }
    };
    return {
      kind: 'sections',
      counter: undefined,
      assembler: new TsSectionAssembler(onSection, this.#counters),
    };
  }

  #patSection(section: Uint8Array): void {
    if (section[0] !== TsTableId.programAssociation) return;
    const known = this.#patSections.get(section[6] ?? 0);
    if (known !== undefined && bytesEqual(known.bytes, section)) return;
    const pat = parsePat(section);
    if (!pat.current) return;
    for (const [number, other] of this.#patSections) {
      if (other.pat.version !== pat.version || number > pat.lastSectionNumber)
        this.#patSections.delete(number);
    }
    this.#patSections.set(pat.sectionNumber, { bytes: copyBytes(section), pat });
    this.#applyPat(pat.lastSectionNumber);
  }

  #applyPat(lastSectionNumber: number): void {
    const wanted = new Map<number, number>();
    for (const { pat } of this.#patSections.values()) {
      for (const { programNumber, pid } of pat.programs)
        if (programNumber !== 0) wanted.set(programNumber, pid);
    }
    // As long as a section is missing, its programs are not known to be gone.
    if (this.#patSections.size === lastSectionNumber + 1) {
      for (const programNumber of this.#programs.keys()) {
        if (!wanted.has(programNumber)) this.#removeProgram(programNumber);
      }
    }
    for (const [programNumber, pmtPid] of wanted) {
      const known = this.#programs.get(programNumber);
      if (known?.pmtPid === pmtPid) continue;
      if (known !== undefined) this.#removeProgram(programNumber);
      const taken = this.#pids.get(pmtPid);
      if (this.#programs.size >= this.#limits.programs || pmtPid === TS_PAT_PID || taken?.kind === 'stream') {
        this.#counters.ignoredPids++;
        continue;
      }
      this.#programs.set(programNumber, { pmtPid, clock: new TsClock(), section: undefined, streams: [] });
      if (taken === undefined) this.#pids.set(pmtPid, this.#sectionPid(pmtPid));
    }
  }

  #removeProgram(programNumber: number): void {
    const program = this.#programs.get(programNumber);
    if (program === undefined) return;
    this.#programs.delete(programNumber);
    for (const stream of program.streams) this.#removeStream(stream);
    if (![...this.#programs.values()].some((other) => other.pmtPid === program.pmtPid)) {
      this.#pids.delete(program.pmtPid);
    }
    if (program.section !== undefined) {
      this.#events.push({ kind: 'program', programNumber, pcrPid: TS_NULL_PID, streams: [] });
    }
  }

  #pmtSection(pid: number, section: Uint8Array): void {
    if (section[0] !== TsTableId.programMap) return;
    const programNumber = ((section[3] ?? 0) << 8) | (section[4] ?? 0);
    const program = this.#programs.get(programNumber);
    if (program?.pmtPid !== pid) return;
    if (program.section !== undefined && bytesEqual(program.section, section)) return;
    const pmt = parsePmt(section);
    if (!pmt.current) return;
    program.section = copyBytes(section);
    this.#applyPmt(program, pmt);
  }

  #applyPmt(program: Program, pmt: TsPmt): void {
    const streams: TsStream[] = [];
    for (const known of program.streams) {
      if (!pmt.streams.some((other) => isSameStream(known, other))) this.#removeStream(known);
    }
    for (const wanted of pmt.streams) {
      const known = program.streams.find((stream) => isSameStream(stream, wanted));
      if (known !== undefined) {
        if (!streams.includes(known)) streams.push(known);
        continue;
      }
      if (
        this.#streamCount >= this.#limits.streams ||
        this.#pids.has(wanted.pid) ||
        wanted.pid === TS_NULL_PID
      ) {
        this.#counters.ignoredPids++;
        continue;
      }
      streams.push(this.#addStream(program, pmt.programNumber, wanted));
    }
    program.streams = streams;
    this.#events.push({ kind: 'program', programNumber: pmt.programNumber, pcrPid: pmt.pcrPid, streams });
  }

  #addStream(program: Program, programNumber: number, { pid, streamType }: TsPmtStream): TsStream {
    const stream = { programNumber, pid, streamType, codec: codecOf(streamType) };
    const reader = readerOf(stream, this.#counters);
    if (reader === undefined) return stream;
    const assembler = new TsPesAssembler(this.#limits.pesBytes);
    const { clock } = program;
    this.#pids.set(pid, {
      kind: 'stream',
      counter: undefined,
      reader,
      assembler,
      clock,
      randomAccess: false,
    });
    this.#streamCount++;
    return stream;
  }

  /** What was begun comes out first: a table that changes is no loss. */
  #removeStream(stream: TsStream): void {
    const state = this.#pids.get(stream.pid);
    if (state?.kind !== 'stream' || state.reader.stream !== stream) return;
    if (state.assembler.open) this.#closePes(state, state.assembler.cut);
    this.#pids.delete(stream.pid);
    this.#streamCount--;
  }
}

function tryPesHeader(packet: Uint8Array): TsParsedPesHeader | undefined {
  try {
    return parsePesHeader(packet);
  } catch (error) {
    if (error instanceof MediaError) return undefined;
    throw error;
  }
}

function isSameStream(stream: TsStream, other: TsPmtStream): boolean {
  return stream.pid === other.pid && stream.streamType === other.streamType;
}
