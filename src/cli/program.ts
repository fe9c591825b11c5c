import { Command, CommanderError } from 'commander'
import { variables } from '../config.ts'
import {
  addConnection,
  changeConnection,
  listConnections,
  removeConnection,
  testConnection,
} from './commands/connection.ts'
import { changeJob, deleteJob } from './commands/edit_job.ts'
import { doctor } from './commands/doctor.ts'
import { explain } from './commands/explain.ts'
import { approveRemovals } from './commands/job_approve.ts'
import { commandJob, listJobs, showJob } from './commands/job.ts'
import { listItems } from './commands/job_items.ts'
import { resetTheJob } from './commands/job_reset.ts'
import { askForItems, type RequestOptions } from './commands/job_retry.ts'
import { addMap, changeMap, listMaps, removeMap } from './commands/map.ts'
import { runJob } from './commands/run.ts'
import { printSchema } from './commands/schema.ts'
import { serve } from './commands/serve.ts'
import { verify } from './commands/verify.ts'
import { ExitCode } from './exit_code.ts'
import { failed } from './failed.ts'
import type { CliParts, CommonOptions } from './parts.ts'

/** Runs one command line. @returns the exit code; never throws */
export async function runCli(args: readonly string[], parts: CliParts): Promise<ExitCode> {
  let code: ExitCode = ExitCode.done
  const program = build(parts, (result) => {
    code = result
  })
  try {
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    if (!(error instanceof CommanderError)) return failed(error, parts.terminal, args.includes('--json'))
    // Help and version are errors to commander, without being any.
    return error.exitCode === 0 ? ExitCode.done : ExitCode.usage
  }
}

function build(parts: CliParts, done: (code: ExitCode) => void): Command {
  const { terminal } = parts
  const program = new Command('stevedore')
    .description('Moves content between storage platforms; each job is a durable Temporal workflow.')
    .version(parts.version)
    // Options of the program are understood before and after a command's name.
    .option('--home <folder>', 'where Stevedore keeps its state (STEVEDORE_HOME, else .stevedore)')
    .option('--json', 'write for programs: an object a line')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
    })
    .showHelpAfterError('(--help shows what there is)')
    .addHelpText('after', `\nEnvironment:\n${environment()}\n\nExit codes: ${exitCodes}`)

  const command = (parent: Command, usage: string, what: string): Command => parent.command(usage).description(what)
  const act = <Options extends CommonOptions>(
    of: Command,
    run: (options: Options, ...args: string[]) => Runs,
  ): Command => of.action(async () => done(await run(of.optsWithGlobals<Options>(), ...(of.processedArgs as string[]))))

  for (const [name, what, worker, api] of servers) {
    const server = command(program, name, what)
    if (api)
      server
        .option('--host <address>', 'address of the API (127.0.0.1)')
        .option('--port <port>', 'its port (9090)')
        .option('--no-token', 'take calls of the API without the token: on a machine of your own')
    act(server, (options) => serve({ worker, api }, options, parts))
  }

  const run = command(program, 'run <job.json>', 'run one job once: begin, show, and end with it')
    .option('--new', 'make another job, even if this home has one of this name')
    .option('--strict', 'refuse keys that are not known')
  act(run, (options, file) => runJob(file!, options, parts))

  const job = command(program, 'job', 'look at jobs, and command them')
  const list = command(job, 'list', 'all jobs')
    .option('--status <status>', 'only those in this status')
    .option('--search <text>', 'only those with this in their name')
  act(list, (options) => listJobs(options, parts))
  act(command(job, 'show <job>', 'one job, by id or name, and how its last run went'), (options, name) =>
    showJob(name!, options, parts),
  )
  for (const [name, what] of commands)
    act(command(job, `${name} <job>`, what), (options, which) => commandJob(name, which!, options, parts))

  act(
    command(job, 'approve <job>', 'what waits to be removed or overwritten, and let it go').option(
      '--plan <hash>',
      'the plan that may be carried out, as it is shown without this',
    ),
    (options, which) => approveRemovals(which!, options, parts),
  )

  act(
    command(
      job,
      'reset <job> <kind>',
      'have the next run forget what it knows (hard), set permissions again (permissions), or both (full)',
    ),
    (options, which, kind) => resetTheJob(which!, kind!, options, parts),
  )

  const items = whichItems(command(job, 'items <job>', 'those of its items that failed, why, and what can be done'))
  act(items, (options, name) => listItems(name!, options, parts))
  for (const [request, what] of itemRequests) {
    const asking = whichItems(command(job, `${request} <job> [path...]`, what))
    if (request === 'ignore') asking.option('--all', 'all that failed')
    asking.action(async (name: string, paths: string[]) =>
      done(await askForItems(request, { name, paths }, asking.optsWithGlobals<RequestOptions>(), parts)),
    )
  }
  const editJob = changing(
    command(job, 'edit <job> [changes.json]', 'change name, schedule, stop policy or transfer'),
  ).option('--strict', 'refuse keys that are not known')
  act(editJob, (options, which, file) => changeJob(which!, file, options, parts))
  act(
    command(job, 'delete <job>', 'with its ledger and what it left half-way; what it copied stays'),
    (options, which) => deleteJob(which!, options, parts),
  )

  const connection = command(program, 'connection', 'where content is, and how to get at it')
  const add = command(connection, 'add [connection.json]', 'store a connection')
    .option('--name <name>', 'what it is called')
    .option('--platform <id>', 'its platform')
    .option('--set <key=value>', 'a setting; key=@file reads a secret from a file', several)
  act(add, (options, file) => addConnection(file, options, parts))
  act(command(connection, 'list', 'all connections'), (options) => listConnections(options, parts))
  act(command(connection, 'test <connection>', 'open one, and say what it cannot do'), (options, name) =>
    testConnection(name!, options, parts),
  )
  const editConnection = command(connection, 'edit <connection> [changes.json]', 'change its name or settings')
  act(changing(editConnection), (options, which, file) => changeConnection(which!, file, options, parts))
  act(command(connection, 'delete <connection>', 'unless a job or a map uses it'), (options, which) =>
    removeConnection(which!, options, parts),
  )

  const map = command(program, 'map', 'who is who on the other side: account and group maps')
  act(command(map, 'add <map.json>', 'store a map'), (options, file) => addMap(file!, options, parts))
  act(command(map, 'list', 'all maps'), (options) => listMaps(options, parts))
  act(command(map, 'edit <map> <changes.json>', 'change some of its keys'), (options, which, file) =>
    changeMap(which!, file!, options, parts),
  )
  act(command(map, 'delete <map>', 'unless a job uses it'), (options, which) => removeMap(which!, options, parts))

  act(command(program, 'explain <job> <path>', 'everything known about one item'), (options, name, path) =>
    explain(name!, path!, options, parts),
  )
  const verifying = command(
    program,
    'verify <job>',
    'compare both sides with each other and the ledger, byte by byte; fails when anything owed is not there',
  ).option('--strict', 'fail also for what policy decided to leave')
  act(verifying, (options, name) => verify(name!, options, parts))
  const check = command(program, 'doctor', 'look at the home itself: files, damage, room, who serves it').option(
    '--repair',
    'move aside what is damaged, and begin it anew',
  )
  act(check, (options) => doctor(options, parts))
  act(command(program, 'schema', 'the JSON Schema of a job document'), () => printSchema(parts))
  return program
}

function changing(command: Command): Command {
  return command
    .option('--name <name>', 'what it is called from now on')
    .option('--set <key=value>', 'a setting; a.b=value sets one inside, key=@file reads it from a file', several)
    .option('--unset <key>', 'a setting goes back to what holds when it is left out', several)
}

type Runs = Promise<ExitCode> | ExitCode

function several(value: string, before: string[] = []): string[] {
  return [...before, value]
}

/** Options that say which items of a job are meant. */
function whichItems(of: Command): Command {
  return of
    .option('--status <status>', 'those in this status, or several with commas: flagged, retry, skipped, …')
    .option('--reason <reason>', 'those that have it for this reason, or several with commas')
    .option('--search <text>', 'those with this in their name')
}

const itemRequests = [
  ['retry', 'have what failed tried again by the next run, flagged or not; a folder stands for what is in it'],
  ['ignore', 'have what failed left out from the next run on; retry takes it back'],
] as const

const servers = [
  ['up', 'server, worker and API in one process', true, true],
  ['worker', 'a worker only', true, false],
  ['api', 'the REST API only', false, true],
] as const

const commands = [
  ['start', 'begin the next run'],
  ['pause', 'finish what is in hand, and wait'],
  ['resume', 'go on after a pause'],
  ['cancel', 'end the run'],
  ['repair', 'end workflows that can’t go on, and go on from catalog and ledger'],
] as const

const exitCodes =
  '0 done, 1 done with failed or flagged items, 2 bad document or usage, 3 halted, failed to start or infrastructure, 130 interrupted'

function environment(): string {
  return variables
    .map(({ name, meaning, default: otherwise }) => `  ${name}\n      ${meaning} Default: ${otherwise}.`)
    .join('\n')
}
