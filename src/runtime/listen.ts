import type { FastifyInstance } from 'fastify'
import type { ApiParts } from '../api/parts.ts'
import type { JobClient } from '../client/job_client.ts'
import { openToken } from '../home/token.ts'
import type { Logger } from '../home/logs.ts'
import type { OpenHome } from '../open_home/open_home.ts'
import type { ServeOptions } from './stevedore.ts'

interface Listening {
  client: JobClient
  deleteJob: ApiParts['deleteJob']
  options: Pick<ServeOptions, 'api'>
  logger: Logger
  opened: AsyncDisposableStack
}

/** The REST API, where it is asked for. */
export async function listen(
  home: OpenHome,
  { client, deleteJob, options, logger, opened }: Listening,
): Promise<{ api?: string }> {
  if (!options.api) return {}
  const { createApi } = await import('../api/server.ts')
  const { host, port, withoutToken = false } = options.api
  const token = withoutToken ? undefined : openToken(home.home.token)
  const app: FastifyInstance = createApi({ ...home, commands: client, deleteJob }, { token, host, logger })
  opened.defer(() => app.close())
  try {
    return { api: await app.listen({ host, port }) }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why =
      code === 'EADDRINUSE'
        ? `port ${port} of ${host} is in use: give another with --port or STEVEDORE_API_PORT`
        : `the API cannot listen on port ${port} of ${host}: ${message}`
    throw new Error(why, { cause: error })
  }
}
