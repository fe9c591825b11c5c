import type { Connector } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import { problemsOf, settings, settingsOf } from './settings.ts'

export const sftp: Connector = {
  platform: 'sftp',
  name: 'SFTP',
  io: 'async',
  settings,
  check: problemsOf,

  async open(auth) {
    const problems = problemsOf(auth)
    if (problems.length > 0) throw new ConnectorError('Misconfigured', problems.join('; '))
    // Only where it is used: SSH takes time to load in every thread.
    const { SftpSession } = await import('./session.ts')
    return SftpSession.open(settingsOf(auth))
  },
}
