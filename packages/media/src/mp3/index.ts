export * from './frame-header.ts';
export * from './sync.ts';
