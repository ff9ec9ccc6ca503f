"""A DHCP and IP address management service around dnsmasq."""
