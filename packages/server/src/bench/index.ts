export { registerBenchCommands } from './commands.ts';
