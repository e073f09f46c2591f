import { annexBUnits, AvcNalType, avcNalType } from '../avc/index.ts';
import { HevcNalType, hevcNalType, isHevcRandomAccess } from '../hevc/index.ts';
import type { TsVideoCodec } from './constants.ts';
import type { TsElementaryReader, TsElementaryReaderOptions, TsPesPayload } from './elementary-reader.ts';
import type { TsDemuxerCounters, TsEvent, TsStream } from './events.ts';
import { TS_CLOCK_RATE } from './timestamp.ts';

/** The step to a picture without a time, before two times are known: 25 pictures a second. */
const FIRST_STEP = TS_CLOCK_RATE / 25;
const LONGEST_STEP = TS_CLOCK_RATE;

type Role = 'delimiter' | 'parameter-set' | 'sequence-parameter-set' | 'random-access' | 'other';

/**
 * Reads access units of H.264 or HEVC (ISO/IEC 13818-1 clauses 2.14 and 2.17). A PES packet begins with an access unit;
 * when more follow in it, each begins with its delimiter, and is timed by the distance of those before.
 */
export class TsVideoReader implements TsElementaryReader {
  readonly stream: TsStream;
  readonly #codec: TsVideoCodec;
  readonly #counters: TsDemuxerCounters;
  #lastDts: number | undefined;
  #step = FIRST_STEP;
  #discontinuity = false;

  constructor(codec: TsVideoCodec, { stream, counters }: TsElementaryReaderOptions) {
    this.stream = stream;
    this.#codec = codec;
    this.#counters = counters;
  }

  read(payload: TsPesPayload, events: TsEvent[]): void {
    const { bytes } = payload;
    let times: Pick<TsPesPayload, 'pts' | 'dts'> = payload;
    let randomAccess = payload.randomAccess;
    let nalUnits: Uint8Array[] = [];
    let parameterSets: Uint8Array[] = [];
    let keyframe = false;
    let hasSps = false;
    const finish = (): void => {
      if (nalUnits.length === 0 && parameterSets.length === 0) return;
      this.#emit(times, keyframe || (randomAccess && hasSps), nalUnits, parameterSets, events);
      times = { pts: undefined, dts: undefined };
      randomAccess = keyframe = hasSps = false;
      nalUnits = [];
      parameterSets = [];
    };
    for (const { start, end } of annexBUnits(bytes)) {
      const role = this.#role(bytes[start] ?? 0);
      if (role === 'delimiter') {
        finish();
        continue;
      }
      const unit = bytes.subarray(start, end);
      if (role === 'parameter-set' || role === 'sequence-parameter-set') {
        parameterSets.push(unit);
        hasSps ||= role === 'sequence-parameter-set';
      } else {
        nalUnits.push(unit);
        keyframe ||= role === 'random-access';
      }
    }
    finish();
  }

  lose(): void {
    this.#discontinuity = true;
  }

  #emit(
    times: Pick<TsPesPayload, 'pts' | 'dts'>,
    keyframe: boolean,
    nalUnits: readonly Uint8Array[],
    parameterSets: readonly Uint8Array[],
    events: TsEvent[],
  ): void {
    const last = this.#lastDts;
    const dts = times.dts ?? (last === undefined ? undefined : last + this.#step);
    if (dts === undefined) {
      this.#counters.untimedUnits++;
      this.#discontinuity = true;
      return;
    }
    if (last !== undefined && dts > last && dts - last <= LONGEST_STEP) this.#step = dts - last;
    this.#lastDts = dts;
    events.push({
      kind: 'video',
      stream: this.stream,
      codec: this.#codec,
      dts,
      pts: times.pts ?? dts,
      keyframe,
      nalUnits,
      parameterSets,
      discontinuity: this.#discontinuity,
    });
    this.#discontinuity = false;
  }

  #role(header: number): Role {
    return this.#codec === 'h264' ? avcRole(avcNalType(header)) : hevcRole(hevcNalType(header));
  }
}

function avcRole(type: number): Role {
  switch (type) {
    case AvcNalType.accessUnitDelimiter:
      return 'delimiter';
    case AvcNalType.sps:
      return 'sequence-parameter-set';
    case AvcNalType.pps:
      return 'parameter-set';
    case AvcNalType.idrSlice:
      return 'random-access';
    default:
      return 'other';
  }
}

function hevcRole(type: number): Role {
  if (isHevcRandomAccess(type)) return 'random-access';
  switch (type) {
    case HevcNalType.accessUnitDelimiter:
      return 'delimiter';
    case HevcNalType.sps:
      return 'sequence-parameter-set';
    case HevcNalType.vps:
    case HevcNalType.pps:
      return 'parameter-set';
    default:
      return 'other';
  }
}
