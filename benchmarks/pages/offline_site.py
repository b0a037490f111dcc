"""Build asv's pages so that they open from a file, without a network and without a server.

    python benchmarks/pages/offline_site.py [--results FOLDER] [--html FOLDER]

asv's index.html loads scripts and a style sheet from the web. Here they come from npm packages, which are fetched once
into .asv/npm with the versions and hashes of package-lock.json. The JSON that the pages request becomes a script.
"""

import argparse
import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PACKAGES = ROOT / ".asv" / "npm"

# The end of an address in asv's page, and the same file in a package.
SAME = {
    "/jquery-3.3.1.min.js": "jquery/dist/jquery.min.js",
    "/flot-orderbars@1.0.0/js/jquery.flot.orderBars.js": "flot-orderbars/js/jquery.flot.orderBars.js",
    "/blueimp-md5/2.19.0/js/md5.min.js": "blueimp-md5/js/md5.min.js",
    "/bootstrap@3.1.1/dist/js/bootstrap.min.js": "bootstrap/dist/js/bootstrap.min.js",
    "/bootstrap@3.1.1/dist/css/bootstrap.min.css": "bootstrap/dist/css/bootstrap.min.css",
}
# npm has no files with asv's hashes for these: flot's sources of the same version, and the only stupidtable of npm.
NEAR = {
    "/flot/0.8.3/jquery.flot.min.js": "flot/jquery.flot.js",
    "/flot/0.8.3/jquery.flot.time.min.js": "flot/jquery.flot.time.js",
    "/flot/0.8.3/jquery.flot.selection.min.js": "flot/jquery.flot.selection.js",
    "/flot/0.8.3/jquery.flot.categories.min.js": "flot/jquery.flot.categories.js",
    "/stupidtable/1.0.1/stupidtable.min.js": "stupid-table-plugin/stupidtable.min.js",
}
TAG = re.compile(r'<script src="(https?://[^"]+)"[^>]*></script>|<link rel="stylesheet" href="(https?://[^"]+)"[^>]*>')
HASH = re.compile(r'integrity="(sha\d+)-([^"]+)"')
IN_A_STYLE_SHEET = re.compile(r"url\(['\"]?(?!data:)([^'\")?#]+)")


def publish(results, html):
    """Run asv, which writes its pages about the results."""
    settings = json.loads((ROOT / "asv.conf.json").read_text(encoding="utf-8"))
    settings |= {"repo": str(ROOT), "results_dir": str(results), "html_dir": str(html)}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "asv.conf.json"
        path.write_text(json.dumps(settings), encoding="utf-8")
        run([sys.executable, "-m", "asv", "publish", "--no-pull", "--config", str(path)], folder)
    if not json.loads((html / "index.json").read_text(encoding="utf-8"))["graph_param_list"]:
        sys.exit(f"No results for a commit of the branches {settings['branches']} in {results}")


def install_packages():
    """Install the packages unless they are there; npm compares their hashes with the lock."""
    lock = (HERE / "package-lock.json").read_text(encoding="utf-8")
    done = PACKAGES / "installed.json"
    if not done.exists() or done.read_text(encoding="utf-8") != lock:
        PACKAGES.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, PACKAGES)
        run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"], PACKAGES)
        done.write_text(lock, encoding="utf-8")
    return PACKAGES / "node_modules"


def run(command, folder):
    """Run a command; show its output only if it fails."""
    try:
        found = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    except FileNotFoundError:
        sys.exit(f"{command[0]} is not installed")
    if found.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{found.stdout}{found.stderr}")


def localize(tag, packages, vendor):
    """Copy the file that a tag loads, and the files that this loads in turn; return the tag that loads the copy."""
    address = tag[1] or tag[2]
    name, same = next(
        ((path, kind is SAME) for kind in (SAME, NEAR) for end, path in kind.items() if address.endswith(end)),
        (None, False),
    )
    if not name:
        sys.exit(f"asv's page loads {address}: add its file in a package to {Path(__file__).name}")
    wanted = HASH.search(tag[0])
    if same and (not wanted or not has_hash(packages / name, *wanted.groups())):
        sys.exit(f"{name} does not have the hash that asv's page has for {address}")
    copy(packages, vendor, name)
    for path in (packages / name.split("/")[0]).glob("LICEN[CS]E*"):
        copy(packages, vendor, path.relative_to(packages))
    if tag[1]:
        return f'<script src="{vendor.name}/{name}"></script>'
    for linked in IN_A_STYLE_SHEET.findall((packages / name).read_text(encoding="utf-8")):
        copy(packages, vendor, (packages / name).parent.joinpath(linked).resolve().relative_to(packages))
    return f'<link rel="stylesheet" href="{vendor.name}/{name}">'


def has_hash(path, algorithm, wanted):
    """Return True if a file has the hash of a tag's integrity attribute."""
    return base64.b64encode(hashlib.new(algorithm, path.read_bytes()).digest()).decode() == wanted


def copy(source, target, name):
    """Copy a file to the same place in another folder."""
    (target / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source / name, target / name)


def embed_data(html):
    """Write all JSON as one script, under the paths that the pages request."""
    found = {
        path.relative_to(html).as_posix(): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(html.rglob("*.json"))
    }
    found["swallow.ico"] = ""  # the pages request it to detect a server
    (html / "data.js").write_text(f"var ASV_DATA = {json.dumps(found)};\n", encoding="utf-8")
    shutil.copy(HERE / "offline.js", html)


def build(results, html):
    """Build the pages; return the first page."""
    publish(results, html)
    packages = install_packages()
    embed_data(html)
    index = html / "index.html"
    page = TAG.sub(lambda tag: localize(tag, packages, html / "vendor"), index.read_text(encoding="utf-8"))
    head = '  <script src="data.js"></script>\n    <script src="offline.js"></script>\n  </head>'
    index.write_text(page.replace("</head>", head, 1), encoding="utf-8")
    return index


def main():
    """Build the pages, and print the path of the first."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", metavar="FOLDER", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--html", metavar="FOLDER", type=Path, default=ROOT / ".asv" / "html")
    options = parser.parse_args()
    index = build(options.results.resolve(), options.html.resolve())
    print(f"Open {index} in a browser: no network and no server needed.")


if __name__ == "__main__":
    main()
