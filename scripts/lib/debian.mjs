import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run, say, tail } from './run.mjs';

/** Whether `program` can be started by its bare name. */
export function onPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * Installs Debian packages through apt, where there is apt and the user may. SLUICE_NO_APT=1 forbids it.
 *
 * @param {string[]} packages
 * @returns {Promise<boolean>} whether all of them are installed now; if not, why has been said
 */
export async function installDebianPackages(packages) {
  const prefix = await rootPrefix();
  if (prefix === undefined) return false;
  say(`installing ${packages.join(', ')} (apt; a minute or two)`);
  const apt = ([...args]) => {
    const [command, ...rest] = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q', ...args];
    return run(command, rest, { quiet: true });
  };
  const install = (names) => apt(['install', '-y', '--no-install-recommends', ...names]);
  const update = () => apt(['-o', 'Acquire::Retries=3', 'update']);

  const fresh = !hasPackageLists();
  if (fresh) await update();
  let result = await install(packages);
  if (result.code !== 0 && !fresh) {
    // Lists that are there may be too old: the mirrors keep only the newest versions.
    await update();
    result = await install(packages);
  }
  if (result.code === 0) return true;
  say(`apt failed:\n${tail(result.output, 10)}`);
  // One package that is not to be had should not keep the others out.
  if (packages.length > 1) for (const name of packages) await install([name]);
  return false;
}

/** What to write before a command that needs root; nothing when the user may not or there is no apt. */
async function rootPrefix() {
  if (process.env.SLUICE_NO_APT === '1' || !onPath('apt-get')) return undefined;
  if (process.getuid?.() === 0) return [];
  if (!onPath('sudo')) return undefined;
  const { code } = await run('sudo', ['-n', 'true'], { quiet: true });
  return code === 0 ? ['sudo', '-n'] : undefined;
}

function hasPackageLists() {
  try {
    return readdirSync('/var/lib/apt/lists').some((name) => name.includes('_Packages'));
  } catch {
    return false;
  }
}
