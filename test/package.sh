#!/usr/bin/env bash
# package.sh: make a Debian package of the plugin and its profiles, for the Wireshark of this machine.
# It goes to the build folder; the last line says where.
#
# SPDX-License-Identifier: GPL-2.0-or-later

set -euo pipefail
umask 022
# shellcheck source=test/setup.sh
. "$(dirname "$0")/setup.sh"

name="wireshark-tcplife"
work=$build/package # the build, and what goes into the package
root=$work/root

# As Debian builds: its flags, and its folders.
install_into_root() {
    local flags
    flags=$(DEB_BUILD_MAINT_OPTIONS=hardening=+bindnow dpkg-buildflags --export=sh)
    eval "$flags"
    rm -rf "$work"
    mkdir -p "$work" 2>/dev/null || stop "cannot write to the build folder $build"
    { meson setup --buildtype=plain --prefix=/usr --sysconfdir=/etc "$work/build" "$top" &&
        DESTDIR=$root meson install --strip -C "$work/build"; } >"$work/log" 2>&1 || {
        tail -n 40 "$work/log" >&2
        stop "the build failed; all of it is in $work/log"
    }
}

add_documents() {
    local documents=$root/usr/share/doc/$name
    install -d "$documents"
    install -m 644 "$top/plugin/REFERENCE.md" "$documents"
    cat >"$documents/copyright" <<'TEXT'
tcplife, a plugin for Wireshark. Copyright: its authors. Licence: GPL-2.0-or-later (the GNU General Public
License, version 2 or, at your option, any later version), without any warranty.
On Debian systems its text is in /usr/share/common-licenses/GPL-2. The files
"colorfilters" and "dfilters" of the profile "TCP Lifecycle" contain Wireshark's own,
which have the same licence.
TEXT
}

# What the plugin is linked with, and the Wireshark whose plugin folder it is in. A plugin belongs to a minor version.
dependencies() { # MAJOR.MINOR
    local next=${1%.*}.$((${1#*.} + 1)) library folder
    folder=$(pkg-config --variable=plugindir wireshark)/epan
    library=$(dpkg-query --search "$folder")
    library=${library%%:*}
    # It reads the names of packages from there, whatever else they are.
    mkdir -p "$work/debian"
    printf 'Source: %s\n\nPackage: %s\nArchitecture: any\n' $name $name >"$work/debian/control"
    linked=$(cd "$work" && dpkg-shlibdeps -O "root$folder/tcplife.so" 2>"$work/shlibdeps.log") ||
        { cat "$work/shlibdeps.log" >&2; stop "dpkg-shlibdeps failed"; }
    echo "${linked#shlibs:Depends=}, $library (>= $1~), $library (<< $next~)"
}

make_package() {
    local wireshark version
    wireshark=$(pkg-config --modversion wireshark | cut -d. -f1,2)
    version=$(meson introspect --projectinfo "$work/build" | sed 's/.*"version": "\([^"]*\)".*/\1/')+wireshark$wireshark
    install -d "$root/DEBIAN"
    cat >"$root/DEBIAN/control" <<TEXT
Package: $name
Version: $version
Architecture: $(dpkg --print-architecture)
Maintainer: ${DEBFULLNAME:-$(id -un)} <${DEBEMAIL:-$(id -un)@$(uname -n)}>
Depends: $(dependencies "$wireshark")
Enhances: tshark, wireshark
Installed-Size: $(du -sk --apparent-size --exclude=DEBIAN "$root" | cut -f1)
Section: net
Priority: optional
Description: states, closes and resets of TCP connections in Wireshark
 tcplife is a plugin for Wireshark $wireshark and its tshark that follows both ends of
 every TCP connection through the state machine of RFC 9293, and says how each
 opened and closed, why it was reset, and what the capture cannot tell.
 .
 With two configuration profiles, "TCP Lifecycle" and "TCP Lifecycle Batch".
TEXT
    (cd "$root" && find usr -type f -exec md5sum {} + >DEBIAN/md5sums)
    package=$build/${name}_${version}_$(dpkg --print-architecture).deb
    dpkg-deb --root-owner-group --build "$root" "$package" >"$work/deb.log"
}

need_packages "${package_packages[@]}"
need_wireshark
say "building a package for Wireshark $(pkg-config --modversion wireshark)"
install_into_root
add_documents
make_package
say "to install it: apt install $package"
echo "$package"
