"""dnsmasq's configuration, hosts files, ethers and leases."""
