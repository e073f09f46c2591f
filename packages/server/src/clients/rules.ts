import type { VhostConfig } from '../config/index.ts';
import { type ClientAction, type ClientRequest, type Refusal, referAllows } from '../security/index.ts';

/** Why a stream of this name can't be published in the vhost; undefined when it can. */
export type NameProblem = (vhost: VhostConfig, app: string, stream: string) => string | undefined;

/** What the configuration of a vhost alone decides of a client; the peer may be told the detail. */
export function refusalByVhost(
  action: ClientAction,
  { vhost, app, stream, pageUrl }: Pick<ClientRequest, 'vhost' | 'app' | 'stream' | 'pageUrl'>,
  nameProblem: NameProblem,
): Refusal | undefined {
  if (action !== 'connect' && vhost.bandcheck.enabled) {
    return { reason: 'bandwidth-rejected', detail: `vhost ${vhost.name} is for bandwidth tests only` };
  }
  const refused = refusalByPage(action, vhost, pageUrl);
  if (refused !== undefined || action !== 'publish') return refused;
  const problem = nameProblem(vhost, app, stream);
  return problem === undefined ? undefined : { reason: 'bad-stream-name', detail: problem };
}

/** Whether `refer{}` keeps the page that a client sits in from what it wants. */
export function refusalByPage(
  action: ClientAction,
  vhost: VhostConfig,
  pageUrl: string,
): Refusal | undefined {
  const { name, refer } = vhost;
  const allowed =
    referAllows(refer, 'all', pageUrl) && (action === 'connect' || referAllows(refer, action, pageUrl));
  return allowed
    ? undefined
    : { reason: 'refer-denied', detail: `page ${pageUrl || '(none)'} may not use ${name}` };
}
