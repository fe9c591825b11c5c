import { once } from 'node:events'
import { isLoopback } from '../../api/guard.ts'
import { readConfig } from '../../config.ts'
import { toJson } from '../../json/json.ts'
import { Unacceptable } from '../../problem.ts'
import type { Stevedore } from '../../runtime/stevedore.ts'
import { ExitCode } from '../exit_code.ts'
import { leave } from '../leave.ts'
import type { CliParts, CommonOptions } from '../parts.ts'
import { withHome } from '../with_home.ts'

interface UpOptions extends CommonOptions {
  host?: string
  port?: string
  /** False with `--no-token`. */
  token?: boolean
}

/** `up` (server, worker, API), `worker`, `api`: stays until told to end. */
export async function serve(
  what: { worker: boolean; api: boolean },
  options: UpOptions,
  parts: CliParts,
): Promise<ExitCode> {
  const { terminal } = parts
  const api = what.api ? listenAt(options) : undefined
  return withHome({ ...options, make: true }, parts, async (home) => {
    const told = new AbortController()
    const { signal } = told
    const end = once(signal, 'abort')
    terminal.onInterrupt((times) => {
      if (times > 1) leave(ExitCode.interrupted)
      told.abort()
    })
    const served = await parts
      .serve(home, {
        worker: what.worker,
        ...(api === undefined ? {} : { api }),
        say: (line) => terminal.err(line),
        signal,
      })
      .catch((error: unknown) => {
        if (error === signal.reason) return undefined
        throw error
      })
    if (!served) {
      terminal.err('Interrupted before anything was served.')
      return ExitCode.interrupted
    }
    try {
      if (what.worker && !served.serves) {
        terminal.err(`error: ${heldBy(served)}`)
        return ExitCode.failed
      }
      const { temporal, ui, api: url } = served.addresses
      const tokenFile = api === undefined || api.withoutToken ? undefined : home.home.token
      if (options.json === true)
        terminal.out(
          toJson({
            type: 'serving',
            temporal,
            task_queue: served.taskQueue,
            web_ui: ui ?? null,
            api: url ?? null,
            token_file: tokenFile ?? null,
          }),
        )
      else {
        if (temporal !== undefined) terminal.out(`Temporal  ${temporal}, task queue ${served.taskQueue}`)
        if (ui !== undefined) terminal.out(`Web UI    ${ui}`)
        if (url !== undefined) terminal.out(`API       ${url}/v1`)
        if (tokenFile !== undefined) terminal.out(`Token     ${tokenFile}`)
        terminal.err('Ctrl-C ends it; jobs in progress go on when it is started again.')
      }
      for (const warning of api === undefined ? [] : warnings(api)) terminal.err(`warning: ${warning}`)
      const broken = await Promise.race([end, served.broken])
      const why = broken instanceof Error ? `, because ${broken.message}` : ''
      terminal.err(`Ending${why}: what is in hand is finished first.`)
      if (broken instanceof Error) throw broken
      return ExitCode.done
    } finally {
      await served.close()
    }
  })
}

function heldBy({ holder, addresses: { api, ui } }: Stevedore): string {
  const who = holder ? `process ${holder.pid}, since ${new Date(holder.since).toISOString()}` : 'another process'
  const where = [...(api ? [`API ${api}/v1`] : []), ...(ui ? [`Web UI ${ui}`] : [])]
  return `this home is served already by ${who}${where.length > 0 ? `: ${where.join(', ')}` : ''}`
}

function warnings({ host, withoutToken }: Listening): string[] {
  const isOpen = !isLoopback(host)
  if (withoutToken) {
    const who = isOpen ? `whoever reaches ${host}` : 'everybody with an account on this machine'
    return [`the API asks for no token: ${who} may read and write what you may`]
  }
  return isOpen ? ['the API speaks plain HTTP: over a network it needs something before it that speaks TLS'] : []
}

interface Listening {
  host: string
  port: number
  withoutToken: boolean
}

function listenAt(options: UpOptions): Listening {
  const { api } = readConfig()
  const port = options.port === undefined ? api.port : Number(options.port)
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Unacceptable([
      { code: 'invalid', description: `--port ${options.port}: a port is a number from 0 to 65535` },
    ])
  return { host: options.host ?? api.host, port, withoutToken: options.token === false }
}
