/**
 * Refuses a Node that is too old, in one line. Imported first, and written so that an old Node can still
 * read it.
 */
const oldest = [20, 19];
const [major, minor] = process.versions.node.split('.').map(Number);

if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
  console.error(`Sluice needs Node ${oldest.join('.')} or newer; this is ${process.versions.node}.`);
  process.exit(1);
}
