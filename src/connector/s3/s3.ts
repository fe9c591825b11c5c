import type { Connector } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import { problemsOf, settings, settingsOf } from './settings.ts'

/** A bucket of Amazon S3, or of a server that speaks the same. */
export const s3: Connector = {
  platform: 's3',
  aliases: ['amazon-s3'],
  name: 'S3',
  io: 'async',
  settings,
  check: problemsOf,

  async open(auth, host) {
    const problems = problemsOf(auth)
    if (problems.length > 0) throw new ConnectorError('Misconfigured', problems.join('; '))
    // Only where it is used: signer, sockets and XML take time to load in every thread.
    const { S3Session } = await import('./session.ts')
    return S3Session.open(settingsOf(auth), host?.limiter)
  },
}
