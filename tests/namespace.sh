# Runs the command behind a network interface of its own, which leads nowhere, as the default route.
# The last line on standard error is how many packets wanted to leave that way.
set -eu
sysctl -qw net.ipv6.conf.all.disable_ipv6=1 || true # else the kernel itself looks for routers
ip link set lo up
ip link add outside type veth peer name nowhere
ip address add 192.0.2.1/24 dev outside
ip link set outside up
ip link set nowhere up
ip route add default via 192.0.2.254 dev outside
"$@"
awk '/outside:/ { print "packets sent outside: " $11 }' /proc/self/net/dev >&2
