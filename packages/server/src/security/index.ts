export { referAllows } from './refer.ts';
