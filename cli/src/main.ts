import { Command, CommanderError } from '@commander-js/extra-typings';
import { aliasCommand } from './commands/alias.ts';
import { auditCommand } from './commands/audit.ts';
import { configCommand } from './commands/config.ts';
import { demoCommand } from './commands/demo.ts';
import { diffCommand } from './commands/diff.ts';
import { drillCommand } from './commands/drill.ts';
import { failbackCommand } from './commands/failback.ts';
import { failoverCommand } from './commands/failover.ts';
import { gatewayCommand } from './commands/gateway.ts';
import { keysCommand } from './commands/keys.ts';
import { analyzeCommand, readCommand, trainCommand } from './commands/local.ts';
import { replicateCommand } from './commands/replicate.ts';
import { serveCommand } from './commands/serve.ts';
import { startCommand } from './commands/start.ts';
import { statusCommand } from './commands/status.ts';
import { verifyCommand } from './commands/verify.ts';

/** Runs the command line. Resolves with the exit code: 0 done, 1 failed, 2 not understood. */
export async function main(argv: readonly string[]): Promise<number> {
  const program = new Command('formhaven')
    .description('Form recognition in several regions, whose models survive the loss of one.')
    .showHelpAfterError('(formhaven --help tells more)')
    // What follows a command's name is that command's, where a command has commands of its own.
    .enablePositionalOptions()
    .exitOverride()
    .addCommand(startCommand())
    .addCommand(serveCommand())
    .addCommand(gatewayCommand())
    .addCommand(failoverCommand())
    .addCommand(failbackCommand())
    .addCommand(drillCommand())
    .addCommand(keysCommand())
    .addCommand(readCommand())
    .addCommand(trainCommand())
    .addCommand(analyzeCommand())
    .addCommand(demoCommand())
    .addCommand(replicateCommand())
    .addCommand(statusCommand())
    .addCommand(diffCommand())
    .addCommand(verifyCommand())
    .addCommand(aliasCommand())
    .addCommand(auditCommand())
    .addCommand(configCommand());
  for (const command of program.commands) command.exitOverride();
  try {
    await program.parseAsync([...argv]);
    return typeof process.exitCode === 'number' ? process.exitCode : 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    console.error(error instanceof Error ? error.message : error);
    return 1;
  }
}
