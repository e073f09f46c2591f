import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { endReasons } from '../stats/index.ts';
import { createInstruments } from './instruments.ts';
import { Registry } from 'prom-client';

const folder = new URL('../../../../docs/', import.meta.url);

/** Every metric's name, and those of the series that a histogram makes. */
function names(): { metrics: string[]; series: Set<string> } {
  const registry = new Registry();
  createInstruments(registry);
  const metrics = registry.getMetricsAsArray().map(({ name }) => name);
  const series = metrics.flatMap((name) => [name, `${name}_bucket`, `${name}_sum`, `${name}_count`]);
  return { metrics, series: new Set(series) };
}

/** All strings under `expr`, `query` or `definition` of a JSON value. */
function expressions(value: unknown, key = ''): string[] {
  if (typeof value === 'string') return ['expr', 'definition'].includes(key) ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => expressions(inner, name));
}

describe('docs/grafana-dashboard.json', () => {
  it('A004 asks for metrics that there are, in every panel', () => {
    const dashboard: unknown = JSON.parse(readFileSync(new URL('grafana-dashboard.json', folder), 'utf8'));
    const asked = expressions(dashboard).flatMap((text) => text.match(/\b(?:srs|sluice|process)_\w+/g) ?? []);
    expect(asked.length).toBeGreaterThan(20);
    const { series } = names();
    expect(asked.filter((name) => !series.has(name))).toEqual([]);
  });
});

describe('docs/monitoring.md', () => {
  const text = readFileSync(new URL('monitoring.md', folder), 'utf8');

  it('A004 explains every metric', () => {
    expect(names().metrics.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  });

  it('G004 explains every reason for an end', () => {
    expect(Object.keys(endReasons).filter((reason) => !text.includes(`| \`${reason}\``))).toEqual([]);
  });
});
