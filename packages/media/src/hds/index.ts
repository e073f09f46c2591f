/** Adobe HTTP Dynamic Streaming: bootstrap boxes, fragments and the manifest (Adobe F4V 10.1; F4M 1.0). */
export * from './bootstrap.ts';
export * from './fragment.ts';
export * from './fragment-run-table.ts';
export * from './manifest.ts';
export * from './segment-run-table.ts';
