import manifest from '../../package.json' with { type: 'json' }
import { checkUp, openStevedoreHome } from '../open_home/open_home.ts'
import { serveHome } from '../runtime/serve_home.ts'
import { ExitCode } from './exit_code.ts'
import { runCli } from './program.ts'
import { processTerminal } from './terminal.ts'

// A reader that has seen enough (`stevedore job list | head -1`) is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? ExitCode.done : ExitCode.failed),
)
// Nor is one of what is said on the way (`stevedore run job.json 2> >(head -1)`), and the run goes on.
process.stderr.on('error', () => undefined)

// Threads and sockets that end are not waited for by Node itself.
setInterval(() => undefined, 60_000)
const code = await runCli(process.argv.slice(2), {
  terminal: processTerminal(),
  // Installed, it is on the path.
  typed: import.meta.url.endsWith('.ts') ? 'npx stevedore' : 'stevedore',
  version: manifest.version,
  openHome: openStevedoreHome,
  checkUp,
  serve: serveHome,
})
// Whatever a library still holds open must not keep a finished command.
process.stdout.write('', () => process.exit(code))
