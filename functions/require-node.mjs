// Loaded before every entry, and plain JavaScript, so that an old Node can still read it and say what is wrong: it would
// refuse the first .ts file with ERR_UNKNOWN_FILE_EXTENSION.
const needed = [22, 18];
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major < needed[0] || (major === needed[0] && minor < needed[1])) {
  console.error(
    `Eponym needs Node ${needed.join(".")} or newer, but this is Node ${process.versions.node} (${process.execPath}). ` +
      "Install a newer one from https://nodejs.org. On Linux x64, `npm ci` brings its own for `npm run`.",
  );
  process.exit(1);
}
