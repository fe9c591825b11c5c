import type { Connector } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import { problemsOf, settings, settingsOf } from './settings.ts'

/** A collection of a WebDAV server; with the profile `svn`, of a Subversion repository. */
export const webdav: Connector = {
  platform: 'webdav',
  name: 'WebDAV',
  io: 'async',
  settings,
  check: problemsOf,

  async open(auth, host) {
    const problems = problemsOf(auth)
    if (problems.length > 0) throw new ConnectorError('Misconfigured', problems.join('; '))
    // Only where it is used: sockets and XML take time to load in every thread.
    const { WebdavSession } = await import('./session.ts')
    return WebdavSession.open(settingsOf(auth), host?.limiter)
  },
}
