import { type FlvTag, FlvTagType } from '@sluice/media/flv';
import type { Command } from 'commander';

import { FileBytes } from '../../files/index.ts';
import { clockText } from '../publish.ts';
import { indexFlvFile } from './flv-index.ts';
import { type FlvReport, FlvSurvey } from './flv-report.ts';
import { FlvTags, type PlacedTag } from './flv-tags.ts';
import { kbpsOf, mediaRole } from './media-count.ts';
import { processTerminal, runTool, ToolExit, type ToolTerminal } from './terminal.ts';

/** The flags of `sluice flv info`. */
export interface FlvInfoFlags {
  readonly tags?: true;
  readonly json?: true;
}

/** Adds `flv info` and `flv index` to a program. What they do ends with the exit code, a value of {@link ToolExit}. */
export function registerFlvCommands(program: Command): void {
  const flv = program.command('flv').description('look into FLV files, and make them seekable');
  flv
    .command('info')
    .description('say what is in an FLV file, and what is wrong with it')
    .argument('<file>', 'the FLV file')
    .option('--tags', 'print every tag')
    .option('--json', 'print the report as JSON')
    .action(async (file: string, flags: FlvInfoFlags) => {
      process.exitCode = await runFlvInfo(file, flags, processTerminal());
    });
  flv
    .command('index')
    .description("write the keyframes' times and places, the duration and the size into the metadata")
    .argument('<file>', 'the FLV file')
    .argument('[output]', 'the file to write (the same file, replaced when it is whole)')
    .action(async (file: string, output: string | undefined) => {
      process.exitCode = await runFlvIndex(file, output, processTerminal());
    });
}

/** Runs `flv info` and answers its exit code. */
export function runFlvInfo(path: string, flags: FlvInfoFlags, terminal: ToolTerminal): Promise<ToolExit> {
  return runTool('flv info', terminal, async (signal) => {
    const bytes = await FileBytes.open(path);
    try {
      const tags = await FlvTags.open(bytes);
      const survey = new FlvSurvey();
      for await (const batch of tags.batches()) {
        for (const tag of batch) survey.add(tag);
        if (flags.tags === true) terminal.output.write(batch.map(tagLine).join(''));
        if (signal.aborted) return ToolExit.done;
      }
      const report = survey.report(tags.problem);
      const text =
        flags.json === true
          ? JSON.stringify({ file: path, bytes: bytes.size, ...report }, undefined, 2)
          : reportText(path, bytes.size, report);
      terminal.output.write(`${text}\n`);
    } finally {
      await bytes.close();
    }
    return ToolExit.done;
  });
}

/** Runs `flv index` and answers its exit code. */
export function runFlvIndex(
  path: string,
  output: string | undefined,
  terminal: ToolTerminal,
): Promise<ToolExit> {
  return runTool('flv index', terminal, async () => {
    const { keyframes, durationMs, bytes, problem } = await indexFlvFile(path, output ?? path);
    const length = clockText(durationMs);
    terminal.say(`${output ?? path}: ${keyframes} keyframes in ${length}, ${bytes} bytes\n`);
    if (problem !== undefined) terminal.say(`${path}: ${problem}; what came before was kept\n`);
    return ToolExit.done;
  });
}

function tagLine(tag: PlacedTag): string {
  const names = { [FlvTagType.audio]: 'audio', [FlvTagType.video]: 'video', [FlvTagType.script]: 'data' };
  return `${tag.position} ${tag.timestamp} ${names[tag.type]} ${roleOf(tag)} ${tag.body.length}\n`;
}

function roleOf({ type, body }: FlvTag): string {
  const role = mediaRole(type, body);
  return role === 'video' || role === 'audio' ? 'frame' : role;
}

function reportText(path: string, bytes: number, report: FlvReport): string {
  const { tags, video, audio, durationMs, problems, indexedKeyframes, saidDuration, metadataNames } = report;
  const lines = [
    `${path}: ${bytes} bytes, ${clockText(durationMs)} from ${clockText(report.firstMs)} on`,
    `tags: ${tags.video} video, ${tags.audio} audio, ${tags.data} data`,
  ];
  if (video !== null) {
    const size = video.width === undefined ? '' : ` ${video.width}x${video.height ?? 0}`;
    const rate = durationMs > 0 ? ((video.frames - 1) * 1000) / durationMs : 0;
    lines.push(
      `video: ${video.codec}${size}, ${video.frames} frames, ${rate.toFixed(2)} fps, ${kbpsOf(video.bytes, durationMs)} kbps`,
      keyframeLine(video.keyframes, video.keyframeDistanceMs),
    );
  }
  if (audio !== null) {
    const rate = audio.sampleRate === undefined ? '' : ` ${audio.sampleRate} Hz`;
    const channels = audio.channels === undefined ? '' : ` ${audio.channels} channels`;
    lines.push(
      `audio: ${audio.codec}${rate}${channels}, ${audio.frames} frames, ${kbpsOf(audio.bytes, durationMs)} kbps`,
    );
  }
  const said = saidDuration === null ? 'no duration' : `duration ${saidDuration} s`;
  const index = indexedKeyframes === null ? 'no index' : `an index of ${indexedKeyframes} keyframes`;
  lines.push(`metadata: ${said}, ${index}${metadataNames.length > 0 ? `; ${metadataNames.join(' ')}` : ''}`);
  lines.push(...problems.map((problem) => `problem: ${problem}`));
  return lines.join('\n');
}

function keyframeLine(count: number, distance: { min: number; average: number; max: number } | null): string {
  if (distance === null) return `keyframes: ${count}`;
  return `keyframes: ${count}, ${distance.average} ms apart (${distance.min} to ${distance.max})`;
}
