/** One sample of the text format. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One metric with all that belongs to it. */
export interface Family {
  readonly help: string;
  readonly type: string;
  readonly samples: readonly Sample[];
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/gy;

/**
 * Reads Prometheus's text format (0.0.4), strictly: what is not exactly so throws.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function parseMetrics(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const families = new Map<string, { help: string; type: string; samples: Sample[] }>();
  const seen = new Set<string>();
  let name = '';
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, keyword, subject = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (keyword === 'HELP') {
      if (families.has(subject)) throw new Error(`${subject} comes twice`);
      name = subject;
      families.set(name, { help: rest, type: '', samples: [] });
      continue;
    }
    const family = families.get(name);
    if (family === undefined) throw new Error(`before any HELP: ${line}`);
    if (keyword === 'TYPE') {
      if (subject !== name || family.type !== '') throw new Error(`a TYPE out of place: ${line}`);
      family.type = rest;
      continue;
    }
    const sample = parseSample(line);
    const series = `${sample.name}${JSON.stringify(Object.entries(sample.labels).sort())}`;
    if (seen.has(series)) throw new Error(`twice: ${line}`);
    seen.add(series);
    family.samples.push(sample);
  }
  for (const [familyName, family] of families) checkFamily(familyName, family);
  return families;
}

function parseSample(line: string): Sample {
  const [, name, labelText = '', valueText = ''] = SAMPLE.exec(line) ?? [];
  const value = valueText === '+Inf' ? Infinity : Number(valueText);
  if (name === undefined || Number.isNaN(value)) throw new Error(`not a sample: ${line}`);
  const labels: Record<string, string> = {};
  let read = 0;
  for (const [part, label = '', text = ''] of labelText.matchAll(LABEL)) {
    if (label in labels) throw new Error(`a label twice: ${line}`);
    labels[label] = text;
    read += part.length;
  }
  if (read !== labelText.length) throw new Error(`not labels: ${line}`);
  return { name, labels, value };
}

function checkFamily(name: string, { help, type, samples }: Family): void {
  if (help === '') throw new Error(`${name} has no HELP`);
  if (type === 'histogram') {
    checkHistogram(name, samples);
    return;
  }
  if (type !== 'counter' && type !== 'gauge') throw new Error(`${name} is a ${type}`);
  if ((type === 'counter') !== name.endsWith('_total')) throw new Error(`${name} is a ${type} by its name`);
  for (const sample of samples) {
    if (sample.name !== name) throw new Error(`${sample.name} among ${name}`);
    if (type === 'counter' && sample.value < 0) throw new Error(`${name} is negative`);
  }
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
  const buckets = new Map<string, Sample[]>();
  const counts = new Map<string, number>();
  for (const sample of samples) {
    const { le, ...labels } = sample.labels;
    const key = JSON.stringify(labels);
    if (sample.name === `${name}_count`) counts.set(key, sample.value);
    else if (sample.name === `${name}_bucket` && le !== undefined)
      buckets.set(key, [...(buckets.get(key) ?? []), sample]);
    else if (sample.name !== `${name}_sum`) throw new Error(`${sample.name} among ${name}`);
  }
  for (const [key, list] of buckets) {
    const bounds = list.map(({ labels }) => (labels['le'] === '+Inf' ? Infinity : Number(labels['le'])));
    if (bounds.at(-1) !== Infinity) throw new Error(`${name} has no last bucket`);
    for (const [index, sample] of list.entries()) {
      if (index > 0 && !((bounds[index - 1] ?? 0) < (bounds[index] ?? 0)))
        throw new Error(`${name}: buckets are not in order`);
      if (index > 0 && sample.value < (list[index - 1]?.value ?? 0))
        throw new Error(`${name} is not cumulative`);
    }
    if (list.at(-1)?.value !== counts.get(key)) throw new Error(`${name}: the count differs`);
  }
}
