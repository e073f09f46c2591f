import { describe, expect, it } from 'vitest';

import { connectData } from './connect-data.ts';

describe('connectData', () => {
  it('R038 names the server in the order of SRS, its address where it is known', () => {
    const data = connectData({ version: '1.2.3', serverIp: '10.0.0.1', sessionId: 'abc' });
    expect(Object.keys(data)).toEqual(
      [
        ...['sig', 'server', 'license', 'role', 'url', 'version', 'site', 'email', 'copyright'],
        ...['primary', 'authors', 'server_ip', 'pid', 'id'],
      ].map((name) => `srs_${name}`),
    );
    expect(data).toMatchObject({ srs_version: '1.2.3', srs_server_ip: '10.0.0.1', srs_id: 'abc' });
    expect(connectData({ version: '1.2.3', serverIp: '', sessionId: 'abc' })).not.toHaveProperty(
      'srs_server_ip',
    );
  });
});
