import type { Connector } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import { problemsOf, settings, settingsOf } from './settings.ts'

/** A space of ownCloud Infinite Scale, or the files of an account of ownCloud 10 or Nextcloud. */
export const owncloud: Connector = {
  platform: 'owncloud',
  name: 'ownCloud',
  io: 'async',
  settings,
  check: problemsOf,

  async open(auth, host) {
    const problems = problemsOf(auth)
    if (problems.length > 0) throw new ConnectorError('Misconfigured', problems.join('; '))
    // Only where it is used: sockets and XML take time to load in every thread.
    const { OwncloudSession } = await import('./session.ts')
    return OwncloudSession.open(settingsOf(auth), host?.limiter)
  },
}
