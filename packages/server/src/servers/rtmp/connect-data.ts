import type { AmfValue } from '@sluice/media/amf';

/** What differs between the connections in {@link connectData}. */
export interface ConnectionIdentity {
  readonly version: string;
  /** The address that the client has reached; empty when it is unknown. */
  readonly serverIp: string;
  readonly sessionId: string;
}

/** How Sluice names itself in the answer to `connect`: the fields that tools of SRS look for (R038). */
export function connectData({ version, serverIp, sessionId }: ConnectionIdentity): Record<string, AmfValue> {
  return {
    srs_sig: 'sluice',
    srs_server: 'Sluice',
    srs_license: 'MIT',
    srs_role: 'origin/edge server',
    srs_url: '',
    srs_version: version,
    srs_site: '',
    srs_email: '',
    srs_copyright: 'The Sluice authors',
    srs_primary: 'Sluice',
    srs_authors: 'The Sluice authors',
    ...(serverIp === '' ? {} : { srs_server_ip: serverIp }),
    srs_pid: process.pid,
    srs_id: sessionId,
  };
}
