import { afterAll } from 'vitest';
import { killLeftovers } from './process.ts';

// A test that ran out of time had no chance to stop what it started.
afterAll(killLeftovers);
