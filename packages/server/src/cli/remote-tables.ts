import type {
  ApiChange,
  ApiChangeResult,
  ApiClient,
  ApiStream,
  ApiSummaries,
  ApiVhost,
} from '../api-client/index.ts';

/** A table's columns: the head, and the cell of an entry; numbers stand to the right. */
type Columns<Entry> = readonly (readonly [head: string, cell: (entry: Entry) => string | number])[];

const STREAMS: Columns<ApiStream> = [
  ['ID', ({ id }) => id],
  ['STREAM', ({ url }) => url],
  ['STATE', ({ publish }) => (publish.active ? 'publishing' : 'waiting')],
  ['PUBLISHER', ({ publish }) => publish.cid ?? '-'],
  ['CLIENTS', ({ clients }) => clients],
  ['VIDEO', ({ video }) => (video === null ? '-' : videoText(video))],
  ['AUDIO', ({ audio }) => audio?.codec ?? '-'],
  ['IN KBPS', ({ kbps }) => kbps.recv_30s],
  ['OUT KBPS', ({ kbps }) => kbps.send_30s],
  ['TIME', ({ live_ms }) => durationText(live_ms / 1000)],
];

const CLIENTS: Columns<ApiClient> = [
  ['ID', ({ id }) => id],
  ['TYPE', ({ type }) => type],
  ['ADDRESS', ({ ip }) => ip],
  ['STREAM', ({ url }) => url],
  ['IN KBPS', ({ kbps }) => kbps.recv_30s],
  ['OUT KBPS', ({ kbps }) => kbps.send_30s],
  ['IN', ({ recv_bytes }) => bytesText(recv_bytes)],
  ['OUT', ({ send_bytes }) => bytesText(send_bytes)],
  ['TIME', ({ alive }) => durationText(alive)],
];

const VHOSTS: Columns<ApiVhost> = [
  ['ID', ({ id }) => id],
  ['VHOST', ({ name }) => name],
  ['STATE', ({ enabled }) => (enabled ? 'on' : 'off')],
  ['STREAMS', ({ streams }) => streams],
  ['CLIENTS', ({ clients }) => clients],
  ['HLS', ({ hls }) => (hls.enabled ? `${hls.fragment ?? 0} s` : '-')],
  ['IN KBPS', ({ kbps }) => kbps.recv_30s],
  ['OUT KBPS', ({ kbps }) => kbps.send_30s],
];

/** One directive of a change. */
interface ChangedSetting {
  readonly change: ApiChange;
  readonly setting: ApiChange['settings'][number];
}

const CHANGES: Columns<ChangedSetting> = [
  ['ID', ({ change }) => change.id],
  ['AT', ({ change }) => change.at.replace('T', ' ').replace(/\.\d+Z$/, '')],
  ['BY', ({ change: { by } }) => (by.user === null ? by.address : `${by.user}@${by.address}`)],
  ['VHOST', ({ change }) => change.vhost ?? '-'],
  ['DIRECTIVE', ({ setting }) => setting.directive],
  ['VALUE', ({ setting: { value } }) => settingText(value)],
  ['BEFORE', ({ setting }) => setting.before ?? '-'],
  ['STATE', ({ change: { problem }, setting }) => changeStateText(problem, setting.overridden_by)],
];

function settingText(value: string | readonly string[] | null): string {
  if (value === null) return '(default)';
  return typeof value === 'string' ? value : value.join(', ');
}

function changeStateText(problem: string | null, overriddenBy: string | null): string {
  if (problem !== null) return `left out: ${problem}`;
  return overriddenBy === null ? 'counts' : `under change ${overriddenBy}`;
}

/** Changes of the configuration as a table for people, a line for each directive. */
export function changesTable(changes: readonly ApiChange[]): string {
  const rows = changes.flatMap((change) => change.settings.map((setting) => ({ change, setting })));
  return table(CHANGES, rows, 'no changes');
}

/** What a change or a rollback has done, or would do. */
export function changeResultText({ change, dry_run, lines: told, notes, removed }: ApiChangeResult): string {
  const texts = [...told.map(({ text }) => text), ...notes];
  const ids = removed.map(({ id }) => id).join(', ');
  if (dry_run) {
    if (texts.length === 0) texts.push('nothing would change');
  } else if (change !== null) {
    texts.push(`change ${change.id} is made`);
  } else {
    texts.push(ids === '' ? 'nothing has changed' : `taken back: ${ids}`);
  }
  return texts.map((line) => `${printable(line)}\n`).join('');
}

/** Streams as a table for people. */
export function streamsTable(streams: readonly ApiStream[]): string {
  return table(STREAMS, streams, 'no streams');
}

/** Publishers and players as a table for people. */
export function clientsTable(clients: readonly ApiClient[]): string {
  return table(CLIENTS, clients, 'no clients');
}

/** Vhosts as a table for people. */
export function vhostsTable(vhosts: readonly ApiVhost[]): string {
  return table(VHOSTS, vhosts, 'no vhosts');
}

/** Server and machine at a glance. */
export function summariesText({ self, system }: ApiSummaries): string {
  const { load_1m, load_5m, load_15m } = system;
  const rows: readonly (readonly [string, string])[] = [
    ['server', `Sluice ${self.version}, pid ${self.pid}, up ${durationText(self.srs_uptime)}`],
    ['its CPU', percentText(self.cpu_percent)],
    ['its memory', `${bytesText(self.mem_kbyte * 1024)}, ${percentText(self.mem_percent)}`],
    ['its connections', String(system.conn_srs)],
    ['its traffic', `in ${bytesText(system.srs_recv_bytes)}, out ${bytesText(system.srs_send_bytes)}`],
    ['CPU', `${percentText(system.cpu_percent)} of ${numberText(system.cpus_online)}`],
    ['memory', `${percentText(system.mem_ram_percent)} of ${kibibytesText(system.mem_ram_kbyte)}`],
    ['swap', `${percentText(system.mem_swap_percent)} of ${kibibytesText(system.mem_swap_kbyte)}`],
    ['load', [load_1m, load_5m, load_15m].map(numberText).join(' ')],
    ['disk', `${percentText(system.disk_busy_percent)} busy, ${diskText(system)}`],
    ['TCP', `${numberText(system.conn_sys)} sockets, ${numberText(system.conn_sys_et)} established`],
  ];
  return lines(rows.map(([name, text]) => [name, printable(text)]));
}

/** Text of peers without what would steer a terminal. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\u{fffd}');
}

function table<Entry>(columns: Columns<Entry>, entries: readonly Entry[], none: string): string {
  if (entries.length === 0) return `${none}\n`;
  const heads = columns.map(([head]) => head);
  const cells = entries.map((entry) => columns.map(([, cell]) => cell(entry)));
  const right = columns.map((_, index) => cells.every((row) => typeof row[index] === 'number'));
  return lines([heads, ...cells.map((row) => row.map((cell) => printable(String(cell))))], right);
}

function lines(rows: readonly (readonly string[])[], right: readonly boolean[] = []): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  }
  const text = rows.map((row) => {
    const padded = row.map((cell, index) => {
      const width = widths[index] ?? 0;
      return right[index] === true ? cell.padStart(width) : cell.padEnd(width);
    });
    return padded.join('  ').trimEnd();
  });
  return `${text.join('\n')}\n`;
}

function videoText({ codec, width, height }: NonNullable<ApiStream['video']>): string {
  return width !== null && width > 0 ? `${codec} ${width}x${height}` : codec;
}

/** `3d 02:04:05`, `02:04:05`, `4:05` */
function durationText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const pad = (value: number): string => String(value).padStart(2, '0');
  const days = Math.floor(whole / 86_400);
  const hours = Math.floor(whole / 3600) % 24;
  const rest = `${pad(Math.floor(whole / 60) % 60)}:${pad(whole % 60)}`;
  if (days > 0) return `${days}d ${pad(hours)}:${rest}`;
  return hours > 0 ? `${pad(hours)}:${rest}` : rest;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit] ?? ''}`;
}

function kibibytesText(value: number | null): string {
  return value === null ? '?' : bytesText(value * 1024);
}

/** What the server's system doesn't tell is a question mark. */
function numberText(value: number | null): string {
  return value === null ? '?' : String(value);
}

function percentText(share: number | null): string {
  return share === null ? '?' : `${(share * 100).toFixed(1)} %`;
}

function diskText({ disk_read_KBps: read, disk_write_KBps: write }: ApiSummaries['system']): string {
  return `reads ${numberText(read)} KB/s, writes ${numberText(write)} KB/s`;
}
