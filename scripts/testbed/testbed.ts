import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readConfig } from '../../src/config.ts'
import { isRunning, markOf, type ProcessMark } from '../../src/home/process.ts'
import { servers } from './servers.ts'
import { end, MissingServer, start, type Prepared, type TestServer } from './server.ts'

/**
 * `npm run testbed -- up|down|status [names]`: real servers on this machine, each in a folder of its own in the cache, on a free
 * port of the loopback. `up` leaves them running and says how to connect; `down` ends them and removes what they hold.
 */
const [command = 'status', ...names] = process.argv.slice(2)
const unknown = names.filter((name) => !servers.some((server) => server.name === name))
const chosen = servers.filter(({ name }) => names.length === 0 || names.includes(name))
const say = (line: string): void => console.log(line)
if (unknown.length > 0 || !['up', 'down', 'status'].includes(command)) {
  console.error(`usage: npm run testbed -- up|down|status [${servers.map(({ name }) => name).join(' ')}]`)
  process.exit(2)
}

for (const server of chosen) {
  try {
    if (command === 'up') await up(server)
    else if (command === 'down') await down(server)
    else status(server)
  } catch (error) {
    if (!(error instanceof MissingServer)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}

/** A number of a process alone may be another's by the time it is ended. */
type Recorded = Pick<Prepared, 'auth' | 'data'> & ProcessMark

function folderOf({ name }: TestServer): string {
  return join(readConfig().cache, 'testbed', name)
}

function recorded(server: TestServer): Recorded | undefined {
  const file = join(folderOf(server), 'running.json')
  const found = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Recorded) : undefined
  return found && isRunning(found) ? found : undefined
}

async function up(server: TestServer): Promise<void> {
  if (!recorded(server)) {
    const folder = folderOf(server)
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const { pid, auth, data } = await start(server, folder, say)
    writeFileSync(join(folder, 'running.json'), JSON.stringify({ ...markOf(pid), auth, data } satisfies Recorded), {
      mode: 0o600,
    })
  }
  status(server)
}

async function down(server: TestServer): Promise<void> {
  const running = recorded(server)
  if (running) await end(running)
  rmSync(folderOf(server), { recursive: true, force: true })
  say(`${server.name}: down`)
}

function status(server: TestServer): void {
  const running = recorded(server)
  say(`${server.name}: ${running ? `up, process ${running.pid}` : 'down'} (${server.what})`)
  if (!running) return
  say(`  connection: ${JSON.stringify({ platform: server.name, auth: running.auth })}`)
  say(`  its files:  ${running.data}`)
}
