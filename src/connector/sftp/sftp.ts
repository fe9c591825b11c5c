import type { Connector } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import { SftpSession } from './session.ts'
import { problemsOf, settings, settingsOf } from './settings.ts'

export const sftp: Connector = {
  platform: 'sftp',
  name: 'SFTP',
  io: 'async',
  settings,
  check: problemsOf,
  open(auth) {
    const problems = problemsOf(auth)
    if (problems.length > 0) throw new ConnectorError('Misconfigured', problems.join('; '))
    return SftpSession.open(settingsOf(auth))
  },
}
