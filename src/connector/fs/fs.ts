import type { Connector } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import { FsSession } from './session.ts'
import { problemsOf, settings, settingsOf } from './settings.ts'
import { errno } from '../local/trouble.ts'
import { loadXattrs } from './xattr.ts'

export const fs: Connector = {
  platform: 'fs',
  name: 'File system',
  io: 'blocking',
  settings,
  check: problemsOf,
  async open(auth) {
    const problems = problemsOf(auth)
    if (problems.length > 0) throw new ConnectorError('Misconfigured', problems.join('; '))
    const xattrs = await loadXattrs()
    try {
      return new FsSession(settingsOf(auth), { xattrs })
    } catch (error) {
      if (error instanceof ConnectorError) throw error
      const why = errno(error) ?? (error instanceof Error ? error.message : String(error))
      throw new ConnectorError('Unreachable', `the root cannot be opened (${why})`, { cause: error })
    }
  },
}
